// changes: a mixin for components that a person changes. It draws at once what was asked for, over whatever the server
// has sent, and sends each change, never a whole state: the server adds up the changes of all pages.
//
// Each change has a number. With its state the server sends the number of the last change that is in it (`applied`), so
// a state that comes late undoes nothing. Every message carries all unconfirmed changes; the server takes each once.
// What a broken connection has swallowed is thus sent again with the next change, or when there is a connection again.

import { reactive } from "vue";

/** What components show at this moment, for others on the page that go by it in the same frame, by a name of it. */
export const page = reactive({});

let count = 0; // the number of the last change on this page; components that are made anew go on counting
let listening = false;
const places = new Set(); // the components that are shown

/** Send what is unconfirmed again, what was asked for first before what was asked for last. */
function sendAgain() {
  const last = (place) => place.made.at(-1)?.number ?? 0;
  for (const place of [...places].sort((one, other) => last(one) - last(other))) place.sendChanges();
}

export const changes = {
  props: { applied: { type: Number, default: 0 } },
  emits: ["changes"],

  data: () => ({ made: [] }), // the changes that were not confirmed when the last one was made: {number, change}

  computed: {
    /** The changes that are not yet in the server's state, in their order. */
    unconfirmed() {
      return this.made.filter(({ number }) => number > this.applied).map(({ change }) => change);
    },
  },

  mounted() {
    places.add(this);
  },
  beforeUnmount() {
    places.delete(this);
  },

  methods: {
    /** Make a change: plain values that `unconfirmed` shows from now on and the server's element takes. */
    make(change) {
      if (!listening) window.socket.on("connect", () => setTimeout(sendAgain)); // once the page has shaken hands
      listening = true;
      this.made = [...this.made.filter(({ number }) => number > this.applied), { number: ++count, change }];
      this.sendChanges();
    },

    sendChanges() {
      const waiting = this.made.filter(({ number }) => number > this.applied);
      if (waiting.length) this.$emit("changes", waiting);
    },
  },
};
