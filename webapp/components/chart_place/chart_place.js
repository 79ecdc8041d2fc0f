// A place for charts: tells its width and whether its ground is dark, at first and whenever they change. The library that
// draws them, 4.6 MB, is fetched while the rest of the page is built, and not only when the first chart arrives.
const library = document.createElement("link");
library.rel = "modulepreload";
library.href = import.meta.resolve("nicegui-plotly");
document.head.append(library);

const STEP_PX = 20; // smaller changes of the width, as by a scroll bar, are none
const WAIT_MS = 150;

export default {
  template: `<div><slot></slot></div>`,
  emits: ["place"],

  mounted() {
    this.last = "";
    this.sizes = new ResizeObserver(() => this.soon());
    this.sizes.observe(this.$el);
    this.scheme = new MutationObserver(() => this.soon());
    this.scheme.observe(document.body, { attributeFilter: ["class"] });
    this.scheme.observe(document.documentElement, { attributeFilter: ["style"] });
    this.tell();
  },
  beforeUnmount() {
    this.sizes.disconnect();
    this.scheme.disconnect();
    clearTimeout(this.timer);
  },

  methods: {
    soon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.tell(), WAIT_MS);
    },
    tell() {
      const width_px = Math.floor(this.$el.clientWidth / STEP_PX) * STEP_PX;
      const [red] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
      const place = { width_px, dark: red < 128 };
      if (!width_px || JSON.stringify(place) === this.last) return;
      this.last = JSON.stringify(place);
      this.$emit("place", place);
    },
  },
};
