// Tables are filled from the twin's JSON, and forms are sent to its controls; which ones, the HTML says.
// Text goes into the page by textContent alone: what buyers and sellers typed never becomes markup.
"use strict";

const REFRESH_MS = 1500;
const shown = new Map(); // what each table or list shows now, so that one without news is left alone

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function say(text, refused = false) {
  const said = document.getElementById("said");
  if (said.textContent !== text) said.textContent = text; // or it would be read out again
  said.classList.toggle("refused", refused);
}

async function ask(method, path, order) {
  const request = { method };
  if (order !== undefined) {
    request.body = JSON.stringify(order);
    request.headers = { "content-type": "application/json" };
  }
  const answer = await fetch(`/_twin/${path}`, request);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error.message);
  return content;
}

// ---- showing

function changed(key, content) {
  const text = JSON.stringify(content);
  if (shown.get(key) === text) return false;
  shown.set(key, text);
  return true;
}

function at(object, path) {
  return path.split(".").reduce((inner, step) => (inner === null || inner === undefined ? inner : inner[step]), object);
}

function time(seconds) {
  return new Date(seconds * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC");
}

function words(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function pickable(id, owner) {
  const button = make("button", id);
  button.type = "button";
  button.dataset.pick = id;
  button.dataset.owner = owner;
  button.setAttribute("aria-label", `choose ${id}`);
  const cell = make("td");
  cell.append(button);
  return cell;
}

function cell(entry, column) {
  const { field, as } = column.dataset;
  if (as === "id") return pickable(entry.object.id, entry.owner);
  if (as === "owner" || as === "disconnected") return make("td", words(entry[as]));
  const value = at(entry.object, field);
  if (as === "time") return make("td", typeof value === "number" ? time(value) : "");
  return make("td", words(value), typeof value === "number" ? "number" : "");
}

function fill(body, rows) {
  const held = document.activeElement?.closest("tbody") === body ? document.activeElement.dataset.pick : undefined;
  body.replaceChildren(...rows.map((cells) => {
    const row = make("tr");
    row.append(...cells);
    return row;
  }));
  // whoever stood on a button with the keyboard stands on it again
  if (held) [...body.querySelectorAll("[data-pick]")].find((button) => button.dataset.pick === held)?.focus();
}

function showTable(table, { total, objects }) {
  if (!changed(table.dataset.kind, { total, objects })) return;
  const columns = [...table.querySelectorAll("th")];
  table.querySelector("[data-total]").textContent =
    total > objects.length ? `(the last ${objects.length} of ${total})` : `(${total})`;
  fill(table.tBodies[0], objects.map((entry) => columns.map((column) => cell(entry, column))));
}

function numbers(holder, names) {
  return names.map((name) => make("td", words(holder[name]), "number"));
}

function showMoney({ now, currencies, accounts, conserved }) {
  document.getElementById("now").textContent = time(now);
  const kept = document.getElementById("conserved");
  kept.textContent = conserved ? "" : "Money was made or lost: this is a bug of the twin.";
  kept.className = "wrong";
  if (!changed("money", { currencies, accounts })) return;
  const buckets = ["available", "pending", "in_transit", "paid_out"];
  const held = Object.entries(currencies).map(([currency, { platform }]) => ["platform", currency, platform]);
  for (const [account, purse] of Object.entries(accounts)) {
    held.push(...Object.entries(purse).map(([currency, balances]) => [account, currency, balances]));
  }
  fill(document.getElementById("balances").tBodies[0], held.map(([account, currency, balances]) => (
    [make("td", account), make("td", currency), ...numbers(balances, buckets)]
  )));
  const movements = ["captured", "refunded", "disputed", "fees", "dispute_fees", "transferred", "reversed", "paid_out"];
  fill(document.getElementById("totals").tBodies[0], Object.entries(currencies).map(([currency, totals]) => (
    [make("td", currency), ...numbers(totals, movements)]
  )));
}

function showList(id, content) {
  if (!changed(id, content)) return;
  const pairs = Object.entries(content).flatMap(([name, value]) => (
    [make("dt", name.replaceAll("_", " ")), make("dd", words(value) || "none")]
  ));
  document.getElementById(id).replaceChildren(...pairs);
}

async function refresh() {
  const [summary, objects, faults, { chaos }] = await Promise.all(
    ["summary", "objects?limit=20", "faults", "chaos"].map((path) => ask("GET", path)),
  );
  showMoney(summary);
  showList("courier", summary.webhooks);
  showList("trouble", { ...faults, chaos });
  for (const table of document.querySelectorAll("table[data-kind]")) showTable(table, objects[table.dataset.kind]);
}

let unanswered = false;

async function keepFresh() {
  try {
    if (!document.hidden) await refresh();
    if (unanswered) say("The twin answers again.");
    unanswered = false;
  } catch (error) {
    unanswered = true;
    say(`The twin does not answer: ${error.message}`, true);
  }
  setTimeout(keepFresh, REFRESH_MS);
}

// ---- doing

function entered(input) {
  if (input.dataset.as === "boolean") return input.value === "true";
  if (input.dataset.as === "list") return input.value.split(",").map((word) => word.trim()).filter(Boolean);
  if (input.type === "checkbox") return input.checked;
  return input.type === "number" ? Number(input.value) : input.value.trim();
}

function orderOf(form) {
  const order = {};
  for (const input of form.querySelectorAll("[name]:not([data-path])")) {
    const [first, second] = input.name.split(".");
    if (input.dataset.as === "member") {
      order[first] ??= [];
      if (input.checked) order[first].push(input.value);
    } else if (input.type === "checkbox" || input.value.trim() !== "") {
      if (second) order[first] = { ...order[first], [second]: entered(input) };
      else order[first] = entered(input);
    }
  }
  return order;
}

function outcome(answer) {
  return [answer.id, answer.status].filter((word) => typeof word === "string").join(" ");
}

async function send(form) {
  const [method, address] = form.dataset.control.split(" ");
  const path = address.replace("{id}", encodeURIComponent(form.querySelector("[data-path]")?.value.trim() ?? ""));
  const title = form.querySelector("h3").textContent;
  try {
    const order = method === "DELETE" ? undefined : orderOf(form);
    say(`${title}: done. ${outcome(await ask(method, path, order))}`);
  } catch (error) {
    say(`${title}: refused. ${error.message}`, true);
  }
  await refresh();
}

function choose({ pick, owner }, section) {
  for (const input of section.querySelectorAll("[data-path]")) input.value = pick;
  for (const input of section.querySelectorAll("[name=account]")) input.value = owner === "platform" ? "" : owner;
  say(`${pick} is chosen.`);
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target).catch((error) => say(`The twin does not answer: ${error.message}`, true));
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (button) choose(button.dataset, button.closest("section"));
});
keepFresh();
