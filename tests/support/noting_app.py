"""The studio as it is, whose pages note what goes wrong in them: `window.complaints`.

WebKitWebDriver gives nobody the console of a page.
"""

from __future__ import annotations

import sys

from nicegui import ui

from separation.cli.main import main

_NOTE = """<script>
    window.complaints = [];
    const noted = (what) => window.complaints.push(String(what));
    // Capturing, so that files which do not load are heard of too.
    addEventListener("error", (event) => noted(event.message ?? (event.target.src || event.target.href)), true);
    addEventListener("unhandledrejection", (event) => noted(event.reason?.stack ?? event.reason));
    const write = console.error;
    console.error = (...words) => { noted(words.join(" ")); write(...words); };
</script>"""

if __name__ == "__main__":
    ui.add_head_html(_NOTE, shared=True)
    main(["serve", "--no-token", *sys.argv[1:]])
