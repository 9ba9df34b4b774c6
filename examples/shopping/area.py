"""The area of the page: a shopping list and a form for the delivery, as HTML without scripts."""

from __future__ import annotations

__all__ = ["ADDRESS", "AREA", "DAY", "DAYS", "GIFT", "LIST", "NAME", "SEND", "STATE", "TOTAL"]

LIST, TOTAL, STATE = "Shopping list", "Total", "State"
NAME, ADDRESS, DAY, GIFT, SEND = "Name", "Address", "Day", "Gift", "Send the order"
"""What things are called on the page."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
"""The days on which there is a delivery."""

OPTIONS = "".join(f"<option>{day}</option>" for day in DAYS)

AREA = f"""
<style>
li input[type=number] {{ width: 5.5rem; margin: 0; }}
#total, #state {{ font-weight: 600; }}
</style>
<h2 id="list-title">{LIST}</h2>
<ul id="list" aria-labelledby="list-title" data-empty="Nothing yet">
  <template><li>
    <input type="checkbox" aria-label="bought">
    <input type="number" aria-label="amount" data-field="amount" min="0" step="any">
    <span data-field="name"></span>
    <button type="button" data-remove>Remove</button>
  </li></template>
</ul>
<label>{TOTAL} <input id="total" readonly value="€0.00"></label>
<h2>Delivery</h2>
<form id="delivery" aria-label="Delivery">
  <label>{NAME} <input id="name" autocomplete="off"></label>
  <label>{ADDRESS} <input id="address" autocomplete="off"></label>
  <label>{DAY} <select id="day"><option value="">Choose a day</option>{OPTIONS}</select></label>
  <label><input type="checkbox" id="gift"> {GIFT}</label>
  <button id="send">{SEND}</button>
</form>
<label>{STATE} <input id="state" readonly value="not sent"></label>
"""
