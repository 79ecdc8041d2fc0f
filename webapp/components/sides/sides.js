// The switch between the sides of a comparison, with a key for each of them.
import { isTyping, player } from "audio-playground-player";

export default {
  template: `
    <div class="sides" :class="{ many }" role="radiogroup" aria-label="Compare">
      <label v-for="one in sides" :key="one.side" :class="{ on: one.side === side }" :data-tip="tip">
        <input type="radio" :name="name" :checked="one.side === side" @change="hear(one.side)"
               :aria-label="[one.side, one.label, one.settings, one.about].filter(Boolean).join(' ')" />
        <b>{{ one.side }}</b><span>{{ one.label }}</span><span class="num mute">{{ one.match }}</span>
        <span v-if="one.settings || one.about" class="about">
          <b v-if="one.settings" class="differs">{{ one.settings }}</b>
          {{ one.settings && one.about ? " · " : "" }}{{ one.about }}
        </span>
      </label>
      <span class="sr-only" role="status">{{ spoken }}</span>
    </div>`,

  props: { sides: { type: Array, default: () => [] }, many: Boolean },
  data: () => ({ side: player.side, name: `sides-${Math.random()}` }),

  computed: {
    spoken() {
      return this.sides.length ? `Hearing ${this.side}: ${this.sides.find((one) => one.side === this.side)?.label}` : "";
    },
    tip() {
      const keys = this.sides.map((one) => one.side).join(", ");
      return `Keys ${keys}. All play on together, so switching loses nothing; the louder ones are turned down.`;
    },
  },
  watch: { sides: "stayHere" },

  mounted() {
    this.stayHere();
    this.onKey = (event) => {
      const side = event.key.toUpperCase();
      if (!this.sides.some((one) => one.side === side) || event.repeat || isTyping(event)) return;
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
    /** Hear the first side if the one that was heard is gone. */
    stayHere() {
      if (this.sides.length && !this.sides.some((one) => one.side === player.side)) this.hear(this.sides[0].side);
      this.side = player.side;
    },
  },
};
