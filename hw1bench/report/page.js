// Filters and sorts the rows of claims, and keeps what is chosen in the address: index.html#?report=B&verdict=refuted&sort=share
(() => {
  "use strict";
  const form = document.getElementById("filter");
  const list = document.getElementById("rows");
  const inOrder = [...list.children];
  const rows = inOrder.filter(child => child.matches("details"));
  const buttons = [...document.querySelectorAll("[data-sort]")];
  const texts = new Map(rows.map(row => [row, `${row.id} ${row.querySelector(".says").textContent}`.toLowerCase()]));
  const fields = ["report", "topic", "protocol", "record", "verdict"];
  let sorted = "";  // the column by which rows are sorted, with a minus if downwards; "" for the order of the page

  const order = column => {
    const listed = buttons.find(button => button.dataset.sort === column).dataset.order;
    return listed ? listed.split("|") : [...form.elements[column].options].map(option => option.value);
  };

  // What a row is sorted by: a number, or the place of its word in the filter; rows without one come last.
  const keys = column => {
    if (column === "says") return row => row.querySelector(".says").textContent.trim().toLowerCase();
    if (column === "share") return row => Number(row.dataset.share ?? NaN);
    const places = new Map(order(column).map((word, place) => [word, place]));
    return row => places.get(row.dataset[column]) ?? NaN;
  };

  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  const arrange = () => {
    const column = sorted.replace("-", ""), down = sorted.startsWith("-");
    let wanted = inOrder;
    if (column) {
      const key = keys(column), known = rows.map(row => [key(row), row]);
      const there = known.filter(([value]) => value === value), none = known.filter(([value]) => value !== value);
      there.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
      wanted = [...inOrder.filter(child => !child.matches("details")), ...there.map(pair => pair[1]), ...none.map(pair => pair[1])];
    }
    if (wanted.some((child, place) => child !== list.children[place])) list.append(...wanted);
    for (const part of [list, buttons[0].parentElement]) part.classList.toggle("grouped", !column);
    for (const button of buttons) {
      const here = button.dataset.sort === column;
      button.setAttribute("aria-pressed", here);
      button.dataset.direction = here ? (down ? "down" : "up") : "";
    }
  };

  const chosen = () => {
    const found = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) found.append(name, value);
    if (sorted) found.set("sort", sorted);
    return found;
  };

  const show = () => {
    const wanted = chosen();
    const words = (wanted.get("text") ?? "").toLowerCase().split(/\s+/);
    const asked = fields.filter(field => wanted.has(field)).map(field => [field, wanted.getAll(field)]);
    let shown = 0, heading = null;
    arrange();
    for (const child of list.children) {
      if (!child.matches("details")) {
        heading = child;
        heading.hidden = true;
        continue;
      }
      child.hidden = !(asked.every(([field, values]) => values.includes(child.dataset[field])) && words.every(word => texts.get(child).includes(word)));
      if (child.hidden) continue;
      shown += 1;
      if (heading && !sorted) heading.hidden = false;
    }
    list.classList.toggle("filtered", shown < rows.length);
    document.getElementById("showing").textContent = `showing ${shown} of ${rows.length}`;
  };

  const choose = wanted => {
    for (const field of form.querySelectorAll("[name]")) {
      if (field.type === "checkbox") field.checked = wanted.getAll(field.name).includes(field.value);
      else field.value = wanted.get(field.name) ?? "";
    }
    sorted = buttons.some(button => button.dataset.sort === (wanted.get("sort") ?? "").replace("-", "")) ? wanted.get("sort") : "";
    show();
  };

  const remember = () => {
    const state = chosen().toString();
    try {
      history.replaceState(null, "", state ? `#?${state}` : "#claims");
    } catch { /* a frame that may not change its address */ }
  };

  // A link to a claim opens its card, even if its row is filtered out; so does loading the page again.
  const follow = () => {
    if (location.hash.startsWith("#?")) {
      choose(new URLSearchParams(location.hash.slice(2)));
      document.getElementById("claims").scrollIntoView();
      return;
    }
    const target = document.getElementById(location.hash.slice(1)), row = target?.closest("#rows > details");
    if (!row) return;
    if (target !== row) row.open = true;
    if (row.hidden) {
      row.hidden = false;
      target.scrollIntoView();
    }
  };

  // What is unfolded shows the figure that decides, and not a link to it.
  const unfold = folded => {
    if (!folded.open) return;
    for (const link of folded.querySelectorAll(".deciding > a")) {
      const copy = document.getElementById(link.hash.slice(1)).cloneNode(true);
      copy.removeAttribute("id");
      copy.className = "deciding";
      link.parentElement.replaceWith(copy);
    }
  };

  // A click enlarges a figure where it stands, and another click, or Escape, makes it small again.
  const enlarge = figure => {
    for (const large of document.querySelectorAll("figure.large")) if (large !== figure) large.classList.remove("large");
    figure?.classList.toggle("large");
  };

  const copy = async button => {
    const line = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(line.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(line);
    }
  };

  form.hidden = false;
  for (const button of buttons) button.disabled = false;
  for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
  rows.forEach(unfold);
  show();
  follow();

  form.addEventListener("input", () => { show(); remember(); });
  form.addEventListener("submit", event => event.preventDefault());
  form.querySelector("button").addEventListener("click", () => { choose(new URLSearchParams()); remember(); });
  document.addEventListener("toggle", event => unfold(event.target), true);
  addEventListener("hashchange", follow);
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") enlarge(null);
  });
  document.addEventListener("click", event => {
    const button = event.target.closest("button"), link = event.target.closest("a[data-show], figure > a");
    if (button?.dataset.sort) {
      const column = button.dataset.sort;
      sorted = sorted === column ? `-${column}` : sorted === `-${column}` ? "" : column;
      show();
      remember();
    } else if (button?.matches(".copy")) {
      copy(button);
    } else if (link?.matches("figure > a")) {
      event.preventDefault();
      enlarge(link.parentElement);
    } else if (link) {
      event.preventDefault();
      location.hash = `?${link.dataset.show}`;
    }
  });
})();
