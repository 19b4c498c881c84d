"use strict";
// The page reads whole without this: it adds copying, finding, the current section, and opens everything for print.
(() => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.nextElementSibling.textContent);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }

  const groups = [...document.querySelectorAll("#samples details.group")];
  const find = document.getElementById("find");
  if (find) {
    find.closest("p").hidden = false;
    const found = document.getElementById("found");
    find.addEventListener("input", () => {
      const wanted = find.value.trim().toLowerCase();
      let shown = 0;
      for (const group of groups) {
        const whole = group.querySelector("summary").textContent.toLowerCase().includes(wanted);
        let inGroup = 0;
        for (const sample of group.querySelectorAll(".sample")) {
          sample.hidden = !whole && !sample.textContent.toLowerCase().includes(wanted);
          inGroup += sample.hidden ? 0 : 1;
        }
        group.hidden = inGroup === 0 && !whole;
        group.open = wanted !== "" && inGroup > 0;
        shown += inGroup;
      }
      found.textContent = wanted === "" ? "" : `${shown} found`;
    });
  }

  const links = new Map();
  for (const link of document.querySelectorAll("nav a[href^='#']")) links.set(link.hash.slice(1), link);
  const current = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const link = links.get(entry.target.id);
      if (link && entry.isIntersecting) {
        for (const other of links.values()) other.removeAttribute("aria-current");
        link.setAttribute("aria-current", "true");
      }
    }
  }, { rootMargin: "-15% 0px -80% 0px" });
  for (const section of document.querySelectorAll("main > section")) current.observe(section);

  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not(.query)")) details.open = true;
  });
})();
