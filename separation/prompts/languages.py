"""Words for sounds in other languages than English, and what lies around them: articles, “and”, “without”.

Spanish, Portuguese, French, German, Italian, Polish, Russian, Japanese and Chinese, each with the forms that follow its
“without”. Entries are read by `separation.prompts.folding`, so accents, case and width make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

INSTRUMENTAL = "instrumental"  # all but the vocals
WORDS: Mapping[str, Mapping[str, str]] = {
    "Spanish": {
        "drums": "batería, baterías, percusión, percusiones, tambores, baterista",
        "bass": "bajo, bajos, bajo eléctrico, línea de bajo, contrabajo, bajista",
        "vocals": "voz, voces, canto, cantante, cantantes, vocales",
        "guitar": "guitarra, guitarras",
        "piano": "piano, pianos",
        "strings": "cuerdas, instrumentos de cuerda",
        "speech": "habla, discurso, diálogo, diálogos, conversación",
        "noise": "ruido, ruidos, ruido de fondo",
        INSTRUMENTAL: "música, instrumental, versión instrumental, acompañamiento, música de fondo, pista instrumental",
    },
    "Portuguese": {
        "drums": "bateria, percussão, tambores, baterista",
        "bass": "baixo, baixos, linha de baixo, contrabaixo, baixista",
        "vocals": "voz, vozes, vocal, vocais, canto, cantor, cantora",
        "guitar": "guitarra, guitarras, violão, violões",
        "piano": "piano, pianos",
        "strings": "cordas, instrumentos de corda",
        "speech": "fala, discurso, diálogo, diálogos, conversa",
        "noise": "ruído, ruídos, barulho",
        INSTRUMENTAL: "música, instrumental, versão instrumental, acompanhamento, música de fundo",
    },
    "French": {
        "drums": "batterie, batteries, percussion, percussions, batteur",
        "bass": "basse, basses, guitare basse, ligne de basse, contrebasse, bassiste",
        "vocals": "voix, chant, chants, chanteur, chanteuse",
        "guitar": "guitare, guitares",
        "piano": "piano, pianos",
        "strings": "cordes, instruments à cordes",
        "speech": "parole, paroles, discours, dialogue, dialogues",
        "noise": "bruit, bruits, bruit de fond",
        INSTRUMENTAL: "musique, instrumental, instrumentale, version instrumentale, accompagnement, musique de fond",
    },
    "German": {
        "drums": "Schlagzeug, Schlagzeuge, Drums, Perkussion, Percussion, Trommeln, Trommel, Schlagzeuger",
        "bass": "Bass, Bässe, E-Bass, Bassgitarre, Kontrabass, Basslinie, Bassist",
        "vocals": "Gesang, Stimme, Stimmen, Gesangsstimme, Singstimme, Sänger, Sängerin",
        "guitar": "Gitarre, Gitarren, E-Gitarre",
        "piano": "Klavier, Klaviere, Flügel",
        "strings": "Streicher, Streichern, Streichinstrumente",
        "speech": "Sprache, Sprechen, Rede, Gespräch, Dialog, Dialoge, Sprechstimme",
        "noise": "Rauschen, Lärm, Störgeräusche, Hintergrundgeräusche",
        INSTRUMENTAL: "Musik, Instrumental, Instrumentalversion, Begleitung, Hintergrundmusik",
    },
    "Italian": {
        "drums": "batteria, batterie, percussioni, batterista",
        "bass": "basso, bassi, basso elettrico, linea di basso, contrabbasso, bassista",
        "vocals": "voce, voci, canto, cantante",
        "guitar": "chitarra, chitarre",
        "piano": "pianoforte, piano, pianoforti",
        "strings": "archi",
        "speech": "parlato, discorso, dialogo, dialoghi",
        "noise": "rumore, rumori, rumore di fondo",
        INSTRUMENTAL: "musica, strumentale, versione strumentale, accompagnamento, musica di sottofondo",
    },
    "Polish": {
        "drums": "perkusja, perkusji, perkusję, bębny, bębnów",
        "bass": "bas, basu, gitara basowa, gitary basowej, kontrabas, kontrabasu",
        "vocals": "wokal, wokalu, wokale, wokali, głos, głosu, głosy, głosów, śpiew, śpiewu",
        "guitar": "gitara, gitary, gitarę, gitar",
        "piano": "fortepian, fortepianu, pianino, pianina",
        "strings": "smyczki, smyczków, instrumenty smyczkowe, instrumentów smyczkowych",
        "speech": "mowa, mowy, mowę, rozmowa, rozmowy, dialog, dialogi",
        "noise": "szum, szumu, szumy, szumów, hałas, hałasu",
        INSTRUMENTAL: "muzyka, muzyki, muzykę, wersja instrumentalna, akompaniament, podkład",
    },
    "Russian": {
        "drums": "ударные, ударных, барабаны, барабанов, барабан, перкуссия, перкуссии",
        "bass": "бас, баса, бас-гитара, бас-гитары, басовая партия, контрабас, контрабаса",
        "vocals": "вокал, вокала, голос, голоса, голосов, пение, пения",
        "guitar": "гитара, гитары, гитару, гитар",
        "piano": "пианино, фортепиано, рояль, рояля",
        "strings": "струнные, струнных",
        "speech": "речь, речи, разговор, разговора, диалог, диалога",
        "noise": "шум, шума, шумы, фоновый шум",
        INSTRUMENTAL: "музыка, музыки, музыку, инструментал, минусовка, аккомпанемент",
    },
    "Japanese": {
        "drums": "ドラム, ドラムス, ドラムセット, 打楽器, パーカッション",
        "bass": "ベース, ベースギター, ベースライン, エレキベース, コントラバス",
        "vocals": "ボーカル, ヴォーカル, 歌, 歌声, 声, うた",
        "guitar": "ギター, エレキギター, アコースティックギター",
        "piano": "ピアノ",
        "strings": "ストリングス, 弦楽器, 弦",
        "speech": "話し声, 会話, スピーチ, セリフ, 台詞",
        "noise": "ノイズ, 雑音, 騒音",
        INSTRUMENTAL: "音楽, インスト, インストゥルメンタル, 伴奏, カラオケ, オケ",
    },
    "Chinese": {
        "drums": "鼓, 鼓声, 鼓聲, 架子鼓, 爵士鼓, 鼓组, 鼓組, 打击乐, 打擊樂, 打击乐器",
        "bass": "贝斯, 貝斯, 贝司, 低音吉他, 电贝斯",
        "vocals": "人声, 人聲, 歌声, 歌聲, 唱歌, 歌唱, 嗓音",
        "guitar": "吉他, 电吉他, 電吉他, 木吉他",
        "piano": "钢琴, 鋼琴",
        "strings": "弦乐, 弦樂, 弦乐器",
        "speech": "语音, 語音, 说话声, 說話聲, 讲话, 对话, 對話, 对白",
        "noise": "噪音, 噪声, 噪聲, 杂音, 雜音",
        INSTRUMENTAL: "音乐, 音樂, 伴奏, 纯音乐, 純音樂, 器乐, 背景音乐, 背景音樂",
    },
}

# All of these are matched in folded text.
AND = r"y|e|et|und|ed|i|oraz|и"
AND_NOT = r"ni|nem|ou|oder|ani|lub|или|sin|sem|sans|ohne|senza|bez|без"
AND_UNSPACED = r"と|和|跟|及|与|與|・"
NOT = re.compile(
    r"^(?:(?:todo|tudo|tout|alles|tutto|wszystko|все) (?:menos|excepto|exceto|salvo|sauf|excepte|ausser|bis auf|tranne"
    r"|meno|eccetto|oprocz|кроме)|sin|sem|sans|pas de|ohne|kein|keine|keinen|senza|bez|без|кроме) (?P<rest>.+)$"
)
WITHOUT = r"sin|sem|sans|ohne|senza|bez|без"
# A song, whatever the language calls it: “Musik ohne Gesang” is the song without its vocals.
SONG = re.compile(
    r"^(?:musica|cancion|tema|musique|chanson|musik|lied|song|canzone|brano|muzyka|piosenka|utwor|музыка|песня|трек) "
    rf"(?=(?:{WITHOUT}) )"
)
ARTICLE = re.compile(
    r"^(?:(?:el|los|las|la|o|os|as|le|les|der|die|das|den|dem|il|lo|gli) |l'"
    r"|(?:solo|solamente|apenas|somente|seulement|nur|soltanto|tylko|только) )"
)
# Japanese puts its “without” behind, Chinese before; neither needs a space.
UNSPACED_NOT = (
    re.compile(
        r"^(?P<rest>.+?)(?:以外|なし|無し|抜き|を除く|を除いた|を除いて|を消す|を消して)(?:の?(?:音|曲|全部|全て|すべて))?$"
    ),
    re.compile(
        r"^(?:没有|沒有|没|無|无|去除|去掉|去|除去|除了|不要)(?P<rest>.+?)(?:以外|之外)?"
        r"(?:的?(?:所有|全部|一切|声音|聲音|音乐|音樂|部分))*$"
    ),
)
UNSPACED_POLITE = re.compile(
    r"^(?:请|請)?(?:只要|只有|提取|分离|分離)"
    r"|(?:だけ|のみ|の音|パート|トラック|を抽出|を分離|をください|的声音|的聲音|声部|聲部|音轨|音軌)$"
)
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
ACCENTED = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")  # a Latin letter that English spells without
OTHER_SCRIPT = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")  # a letter that is not Latin
