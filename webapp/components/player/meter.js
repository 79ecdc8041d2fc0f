// Meter: measures the output level with an AnalyserNode, the last node before the sound card.

const SILENCE_DB = -90;

export class Meter {
  constructor(context) {
    this.node = new AnalyserNode(context, { fftSize: 2048 }); // 43 ms at 48 kHz, longer than a screen frame
    this.samples = new Float32Array(this.node.fftSize);
  }

  /** Return peak and RMS of the last 2048 samples, in dB relative to full scale, at least -90. */
  read() {
    this.node.getFloatTimeDomainData(this.samples);
    let peak = 0;
    let energy = 0;
    for (const value of this.samples) {
      peak = Math.max(peak, Math.abs(value));
      energy += value * value;
    }
    return { peak_db: toDb(peak), rms_db: toDb(Math.sqrt(energy / this.samples.length)) };
  }
}

function toDb(amplitude) {
  return amplitude > 0 ? Math.max(SILENCE_DB, 20 * Math.log10(amplitude)) : SILENCE_DB;
}
