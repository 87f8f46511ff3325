/* The table of prospects: tick all rows of the page, and say how many are ticked. Works on whatever is swapped in. */

const boxes = () => [...document.querySelectorAll("#prospects-table tbody input.box")];

function count() {
  const said = document.getElementById("ticked");
  if (!said) return;
  const ticked = boxes().filter((box) => box.checked).length;
  said.textContent = ticked === 1 ? said.dataset.one : said.dataset.many.replace("#", ticked.toLocaleString());
  const all = document.getElementById("tick-all");
  if (all) {
    all.checked = ticked > 0 && ticked === boxes().length;
    all.indeterminate = ticked > 0 && !all.checked;
  }
}

document.addEventListener("change", (event) => {
  if (event.target.id === "tick-all") for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.closest?.("#prospects-table")) count();
});
document.addEventListener("reset", () => setTimeout(count));
document.addEventListener("htmx:after:swap", count);
