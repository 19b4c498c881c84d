"use strict";
// The page reads whole without this: it adds copying, finding, the current section, opens what a link leads to, and everything for print.
(() => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.nextElementSibling.textContent);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }

  const groups = [...document.querySelectorAll("#samples details.sampled")];
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
        const strip = link.parentElement;
        strip.scrollLeft = link.offsetLeft - strip.offsetLeft - strip.clientWidth / 3;
      }
    }
  }, { rootMargin: "-15% 0px -80% 0px" });
  for (const section of document.querySelectorAll("main > section")) current.observe(section);

  // A link leads into what is folded: everything around its target opens, and the target itself.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const own = target.matches("details") ? target : target.querySelector(":scope > details.fold");
    if (own) own.open = true;
    for (let around = target.parentElement; around; around = around.parentElement) {
      if (around.matches("details")) around.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    // The same link a second time changes no hash.
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  if (location.hash) reveal();

  const folded = new Set();
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not(.query):not([open])")) {
      folded.add(details);
      details.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    folded.clear();
  });
})();
