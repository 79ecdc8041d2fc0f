// Line icons for templates, on the same 24 x 24 grid as those of components/pieces/icons.py.

const line = (shapes) =>
  `<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8"
        stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${shapes}</svg>`;
const solid = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}" fill="currentColor"/></svg>`;

export const ICONS = {
  play: solid("M9 5.5v13l10-6.5z"),
  pause: solid("M8 5h3v14H8zM13 5h3v14h-3z"),
  download: line('<path d="M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14"/>'),
  spectrum: line('<path d="M4 19h16M4 14.5h4M12 14.5h8M4 10h8M16 10h4M7 5.5h6"/>'),
  more: line('<path d="M6 12h.01M12 12h.01M18 12h.01" stroke-width="2.6"/>'),
  loop: line('<path d="M7 6h9a4 4 0 0 1 4 4v1M17 18H8a4 4 0 0 1-4-4v-1"/><path d="m9 3-3 3 3 3M15 21l3-3-3-3"/>'),
};
