"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.querySelector("button.theme");
  const plots = [...document.querySelectorAll(".plot")];
  const config = { displaylogo: false, responsive: true, displayModeBar: false };

  const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");

  // "@gain/0.2" → the theme's colour with that opacity
  function colour(name) {
    const [key, opacity] = name.slice(1).split("/");
    const hex = getComputedStyle(root).getPropertyValue("--" + key).trim();
    if (!opacity) return hex;
    const part = (at) => parseInt(hex.slice(at, at + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},${opacity})`;
  }

  function coloured(value) {
    if (typeof value === "string") return value.startsWith("@") ? colour(value) : value;
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(coloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
    }
    return value;
  }

  function axis(given) {
    return { gridcolor: "@grid", linecolor: "@line", zerolinecolor: "@line", tickcolor: "@line", automargin: true, ...given,
      title: { font: { size: 12 }, standoff: 10, ...(given || {}).title } };
  }

  function draw(plot) {
    const spec = JSON.parse(plot.querySelector("script").textContent);
    const layout = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", height: spec.height, dragmode: "zoom",
      margin: { l: 56, r: 16, t: spec.layout.legend ? 34 : 10, b: 34 }, font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "@muted" },
      hoverlabel: { bgcolor: "@card", bordercolor: "@line", font: { color: "@ink" } }, ...spec.layout,
    };
    for (const key of ["xaxis", "yaxis", ...Object.keys(layout).filter((name) => /^[xy]axis\d/.test(name))]) {
      layout[key] = axis(layout[key]);
    }
    let surface = plot.querySelector(".surface");
    if (!surface) {
      surface = document.createElement("div");
      surface.className = "surface";
      plot.append(surface);
    }
    Plotly.react(surface, coloured(spec.data), coloured(layout), config);
  }

  function show() {
    if (button) {
      const next = theme() === "dark" ? "light" : "dark";
      button.textContent = next === "dark" ? "☾ Dark" : "☀ Light";
      button.setAttribute("aria-label", `Switch to the ${next} theme`);
    }
    if (window.Plotly) plots.forEach(draw);
  }

  async function unpack() {
    const packed = document.getElementById("plotly").textContent.trim();
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = theme() === "dark" ? "light" : "dark";
      show();
    });
  }
  dark.addEventListener("change", show);
  show();
  if (plots.length) {
    unpack().then(show).catch(() => {
      for (const plot of plots) plot.append("This browser is too old to draw the chart; the figures stand below.");
    }).finally(() => { root.dataset.ready = "yes"; });
  }
})();
