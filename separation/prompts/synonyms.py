"""English words for sounds: those that mean a whole stem, and those that mean less than it."""

from __future__ import annotations

from collections.abc import Mapping

# What a stem is called; a model's stem of that name is meant.
SAME: Mapping[str, str] = {
    "drums": """
        drum, drums, drumkit, drum kit, drumset, drum set, drum beat, drum beats, drum loop, drum track, drum machine,
        drum solo, beat, beats, breakbeat, percussion, percussions, percussive sounds, percussion instruments, drummer,
        drummer playing, drumming, drums playing, acoustic drums, electronic drums, 808 drums""",
    "bass": """
        bass, bassline, baseline, bass line, sub bass, subbass, sub, low end, bass part, bass track, bass player,
        bassist, bass solo, bass playing, bass guitar, bass guitar playing, electric bass, 808 bass""",
    "vocals": """
        vocal, vocals, voice, voices, vox, singing, singer, singers, sing, song voice, vocal solo, rap, rapper, rapping,
        acapella, a capella, a cappella, acappella, lyrics, singing voice""",
    "guitar": "guitar, guitars, guitarist, guitarist playing, guitar playing",
    "piano": "piano, pianos, pianist, piano playing",
    "strings": """
        string, strings, string section, string sections, string ensemble, string orchestra, bowed strings,
        orchestral strings""",
    "other": "other, others, the other, other instruments, remaining instruments, other sounds",
    "speech": """
        speech, speaking, talk, talking, spoken words, speaking voice, narration, dialogue, dialog, conversation""",
    "noise": "noise, noises, background noise, hiss",
}
# Words for a part or a kind of it: no model with fixed stems takes a stem apart.
PARTS: Mapping[str, str] = {
    "drums": """
        kick, kicks, kick drum, kick drums, bass drum, snare, snares, snare drum, snare drums, rimshot, hat, hats,
        hi hat, hi hats, high hat, high hats, hihat, hihats, cymbal, cymbals, crash cymbal, ride cymbal, tom, toms,
        clap, claps, hand claps, handclaps, shaker, tambourine, conga, congas, bongo, bongos, cowbell""",
    "bass": """
        acoustic bass, upright bass, double bass, contrabass, synth bass, bass synth, slap bass, fretless bass""",
    "vocals": """
        lead vocal, lead vocals, lead voice, lead singer, main vocals, main vocal, backing vocal, backing vocals,
        backup vocal, backup vocals, background vocals, harmony vocals, vocal harmonies, choir, choir singing, man,
        woman, speaker, speakers, narrator""",
    "guitar": """
        electric guitar, acoustic guitar, lead guitar, rhythm guitar, guitar solo, guitar riff, guitar strumming,
        distorted guitar""",
    "piano": """
        grand piano, upright piano, electric piano, e piano, piano solo, keyboard, keyboards, keys, rhodes,
        wurlitzer""",
    "strings": """
        string quartet, violin, violins, viola, violas, cello, cellos, celli, fiddle, fiddles, violinist, cellist,
        orchestra, synth strings, pizzicato, violin solo, cello solo""",
}
# What is had instead of a part.
WHOLE: Mapping[str, str] = {
    "drums": "the whole drum kit",
    "bass": "all of the bass",
    "vocals": "all voices",
    "guitar": "all guitars",
    "piano": "all pianos and keyboards",
    "strings": "all strings",
}
# “A woman singing”, “the lead singer's voice”: every person with everything a voice does.
PEOPLE = """
    man, men, woman, women, male, female, girl, girls, boy, boys, child, children, kid, kids, person, people, human,
    someone, somebody, singer, lead singer, rapper, narrator"""
UTTERANCES = "singing, speaking, talking, rapping, voice, voices, vocal, vocals, speech, singer, singers"
NOBODY_IN_PARTICULAR = "human, person, people, someone, somebody, singer, rapper"  # everybody who is heard
WITHOUT_VOCALS = """
    accompaniment, accompaniments, instrumental, instrumentals, karaoke, backing track, instruments, band,
    background music, music, music bed, minus one, playback"""


def listed(table: str) -> list[str]:
    """Return the entries of a table: words between commas."""
    return [" ".join(entry.split()) for entry in table.split(",") if entry.strip()]
