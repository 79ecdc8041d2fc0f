// The A/B switch between two results, with the keys A and B.
import { isTyping, player } from "audio-playground-player";

export default {
  template: `
    <div class="ab" role="radiogroup" aria-label="Compare">
      <label v-for="one in sides" :key="one.side" :class="{ on: one.side === side }"
             data-tip="Keys A and B. Both play on together, so switching loses nothing; the louder one is turned down.">
        <input type="radio" name="ab" :checked="one.side === side" @change="hear(one.side)" />
        <b>{{ one.side }}</b><span>{{ one.label }}</span><span class="num mute">{{ one.match }}</span>
      </label>
      <span class="sr-only" role="status">{{ spoken }}</span>
    </div>`,

  props: { sides: { type: Array, default: () => [] } },
  data: () => ({ side: player.side }),

  computed: {
    spoken() {
      return this.sides.length ? `Hearing ${this.side}: ${this.sides.find((one) => one.side === this.side)?.label}` : "";
    },
  },

  mounted() {
    this.onKey = (event) => {
      const side = event.key.toUpperCase();
      if ((side !== "A" && side !== "B") || event.repeat || isTyping(event)) return;
      this.hear(side);
      event.preventDefault();
    };
    window.addEventListener("keydown", this.onKey);
    this.end = player.on("side", () => (this.side = player.side));
  },
  beforeUnmount() {
    window.removeEventListener("keydown", this.onKey);
    this.end();
    player.setSide("A");
  },

  methods: {
    hear(side) {
      player.setSide(side);
    },
  },
};
