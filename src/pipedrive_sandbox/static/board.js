// Lets a deal be dragged to another stage. Without this script the form in each deal does the same.
"use strict";

let dragged = null;

for (const deal of document.querySelectorAll(".deal")) {
  deal.addEventListener("dragstart", (event) => {
    dragged = deal;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", deal.dataset.move);
  });
  deal.addEventListener("dragend", () => { dragged = null; });
}

for (const column of document.querySelectorAll(".column")) {
  column.addEventListener("dragover", (event) => {
    if (dragged === null) return;
    event.preventDefault();
    column.classList.add("over");
  });
  column.addEventListener("dragleave", () => column.classList.remove("over"));
  column.addEventListener("drop", async (event) => {
    event.preventDefault();
    column.classList.remove("over");
    if (dragged === null || column.contains(dragged)) return;
    const form = new URLSearchParams({ stage_id: column.dataset.stage });
    const answer = await fetch(dragged.dataset.move, { method: "POST", body: form });
    if (answer.ok) location.assign(answer.url);
    else alert("The deal was not moved.");
  });
}
