// Lets the browser do a little work while somebody fills in the form, so that machines can't fill in thousands.
// Without it the form works too; it is only taken more slowly.
import "./altcha/altcha.min.js";

const proof = document.querySelector("input[name=proof]");

globalThis.$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker("/static/altcha/pbkdf2.js"));
// The widget stays outside of the form: whatever becomes of its work, the form can be sent.
const widget = document.createElement("altcha-widget");
widget.hidden = true;
widget.addEventListener("verified", (event) => { proof.value = event.detail.payload; });
widget.setAttribute("auto", "onload");
widget.setAttribute("display", "invisible");
widget.setAttribute("challenge", proof.dataset.challenge);
widget.setAttribute("configuration", JSON.stringify({ humanInteractionSignature: false, minDuration: 0 }));
document.body.append(widget);
