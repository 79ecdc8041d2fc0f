// Uploads: files dropped anywhere on the page, chosen or pasted go to the server one after another, over plain HTTP.
//
// During an upload a card shows the file's name, the bytes sent, and a button to cancel. The server decodes the part
// that has arrived, and the page can show it by the id in `begun`; the answer to the request says that it is complete.
// Each file has its id from the moment it is brought (`taken`), so that a page can list those that wait for their turn.

const ACCEPT = "audio/*,video/*,.flac,.opus,.m4a,.mkv,.wma,.aif,.aiff,.caf,.w64";

export default {
  template: `
    <div class="upload-area">
      <input ref="input" type="file" multiple :accept="accept" class="sr-only" tabindex="-1" aria-hidden="true"
             @change="take($event.target.files)">
      <div v-if="hovering" class="upload-drop" aria-hidden="true"><span>Drop to upload</span></div>
      <section v-if="isCarded" class="card upload" role="status" :aria-label="'Uploading ' + current.name">
        <span class="job-words"><b class="job-title">{{ current.name }}</b><span class="mute">{{ words }}</span></span>
        <progress :max="1" :value="current.sent ? undefined : fraction" :aria-label="words"></progress>
        <button type="button" class="button quiet" data-tip="Stops this upload; nothing of it is kept" @click="cancel">
          Cancel
        </button>
      </section>
    </div>`,

  props: { listed: Array }, // the ids of uploads whose progress the page shows elsewhere

  data: () => ({ accept: ACCEPT, hovering: false, current: null, waiting: [] }),

  computed: {
    isCarded() {
      return this.current && !this.listed?.includes(this.current.id);
    },
    fraction() {
      return this.current.total ? this.current.loaded / this.current.total : 0;
    },
    words() {
      if (this.current.sent) return "Reading the audio…";
      return `${megabytes(this.current.loaded)} of ${megabytes(this.current.total)} MB`;
    },
  },

  mounted() {
    this.listeners = {
      dragenter: (event) => this.hover(event),
      dragover: (event) => this.hover(event),
      dragleave: (event) => event.relatedTarget === null && (this.hovering = false),
      drop: (event) => this.drop(event),
      keydown: (event) => this.onKey(event),
      paste: (event) => event.clipboardData?.files.length && this.take(event.clipboardData.files),
    };
    for (const [name, listener] of Object.entries(this.listeners)) window.addEventListener(name, listener);
  },

  unmounted() {
    for (const [name, listener] of Object.entries(this.listeners)) window.removeEventListener(name, listener);
    this.request?.abort();
  },

  methods: {
    browse() {
      this.$refs.input.click();
    },

    /** Ctrl+O opens a file here, as in other programs, and not in the browser. */
    onKey(event) {
      if (event.key.toLowerCase() !== "o" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.browse();
    },

    async tryDemo() {
      this.current = { id: "", name: "Demo song", loaded: 0, total: 0, sent: true };
      this.send("POST", `${window.path_prefix}/api/demo`, null);
    },

    hover(event) {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.hovering = true;
    },

    drop(event) {
      this.hovering = false;
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.take(event.dataTransfer.files);
    },

    take(files) {
      const taken = [...files].map((file) => ({ id: newId(), file }));
      this.$refs.input.value = ""; // so that the same file can be chosen again
      if (!taken.length) return;
      this.waiting.push(...taken);
      this.$emit("taken", taken.map(({ id, file }) => ({ id, name: shortened(file) })));
      if (!this.current) this.next();
    },

    /** Give up a file that waits or is being sent. */
    leaveOut(id) {
      this.waiting = this.waiting.filter((one) => one.id !== id);
      if (this.current?.id === id) this.cancel();
    },

    next() {
      const next = this.waiting.shift();
      this.current = next ? { id: next.id, name: next.file.name, loaded: 0, total: next.file.size, sent: false } : null;
      if (!next) return;
      const { id, file } = next;
      this.$emit("begun", { id, name: shortened(file) });
      this.send("PUT", `${window.path_prefix}/api/uploads?name=${encodeURIComponent(shortened(file))}&id=${id}`, file);
    },

    send(method, url, body) {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open(method, url);
      request.upload.onprogress = (event) => (this.current.loaded = event.loaded);
      request.upload.onload = () => (this.current.sent = true);
      request.onload = () => this.finish(request);
      request.onerror = () => this.refuse("The server cannot be reached.", "The upload was cut off.", "Try again.");
      request.onabort = () => {
        this.$emit("cancelled", this.current.id);
        this.next();
      };
      request.send(body);
    },

    finish(request) {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // The answer is not JSON, so a proxy or a crashed server sent it; the message below gives the status alone.
      }
      if (request.status === 200) {
        this.$emit("uploaded", { id: this.current.id, ...answer });
        this.next();
      } else {
        const name = this.current.name;
        this.refuse(answer.what || `${name} was not taken.`, answer.why || `Status ${request.status}.`, answer.todo || "");
      }
    },

    refuse(what, why, todo) {
      this.$emit("refused", { id: this.current.id, what, why, todo });
      this.next();
    },

    cancel() {
      this.request.abort();
    },
  },
};

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
}

function shortened(file) {
  return file.name.slice(0, 200);
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}
