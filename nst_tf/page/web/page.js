// The page's own behaviour, apart from Gradio's.

const ask = window.fetch;
window.fetch = async (...words) => {
  const [where, {method} = {}] = words;
  const address = String(where.url ?? where);
  const changes = method === 'POST' && !address.includes('/heartbeat/');
  if (address.includes('/run/predict')) await window.regionsSent;  // which an event may need
  try {
    const answer = await ask(...words);
    if (answer.status === 401) window.location.reload();  // the login has expired
    if (changes) await report(answer);
    return answer;
  } catch (error) {
    if (changes && error.name !== 'AbortError') tell('the server does not answer: wait, or start it again');
    throw error;
  }
};

// Gradio shows few failures of requests; this sentence shows all, until a request succeeds.
async function report(answer) {
  if (answer.ok) {
    tell('');
    return;
  }
  const {error} = await answer.clone().json().catch(() => ({}));
  tell(`${error || 'the server has failed: try again'}`);
}

function tell(problem) {
  const bar = document.querySelector('#bar');
  if (!bar) return;
  let place = document.querySelector('#failure');
  if (!place) {
    if (!problem) return;
    place = Object.assign(document.createElement('div'), {id: 'failure', className: 'notice'});
    bar.prepend(place);
  }
  if (place.textContent === (problem && `${problem}.`)) return;
  place.replaceChildren();
  if (!problem) return;
  const line = document.createElement('p');
  line.setAttribute('role', 'alert');
  line.textContent = `${problem}.`;
  place.append(line);
}

const phone = window.matchMedia('(max-width: 720px)');
const still = window.matchMedia('(prefers-reduced-motion: reduce)');
let shown = null;  // the run of the first picture
let asked = false;  // whether a button has asked for another picture
let focused = '';  // the button of a picture that has the focus

// On a phone, scroll to a picture when its run begins.
function follow() {
  const figure = document.querySelector('#screen figure');
  if (!figure || figure.dataset.run === shown) return;
  shown = figure.dataset.run;
  if (asked) document.querySelector('#picture-tab-button')?.click();
  asked = false;
  if (phone.matches && figure.querySelector('progress')) {
    const behavior = still.matches ? 'auto' : 'smooth';
    document.querySelector('#made').scrollIntoView({behavior});
  }
}

// Updates of the screen replace its buttons; the focus remains on the same one.
function refocus() {
  if (!focused || document.activeElement !== document.body) return;
  document.querySelector(focused)?.focus({preventScroll: true});
}

document.addEventListener('focusin', ({target}) => {
  const button = target.closest('#screen figcaption :is(button, a)');
  const {zoom, tab, act} = button?.dataset ?? {};
  const kind = zoom ? '[data-zoom]' : tab ? '[data-tab]' : act ? `[data-act="${act}"]` : 'a';
  const run = button?.closest('figure').dataset.run;
  focused = button ? `#screen [data-run="${run}"] figcaption ${kind}` : '';
});
document.addEventListener('click', ({target}) => {
  asked ||= Boolean(target.closest('#paint, #grid, #repaint, #enlarge, #history button'));
});
document.addEventListener('pointerdown', () => { focused = ''; });

// Compare chooses a picture and opens its tab.
document.addEventListener('click', ({target}) => {
  const name = target.closest('[data-tab]')?.dataset.tab;
  if (!name) return;
  [...document.querySelectorAll('#made [role="tab"]')]
    .find((tab) => tab.textContent.trim() === name)?.click();
});

// The search hides the fields under Advanced that contain none of the words.
document.addEventListener('input', ({target}) => {
  if (!target.closest('#search')) return;
  const words = target.value.toLowerCase().split(/\s+/);
  for (const field of document.querySelectorAll('#advanced [id^="field-"]')) {
    const text = `${field.id.slice(6)} ${field.textContent}`.toLowerCase();
    field.toggleAttribute('data-unmatched', !words.every((word) => text.includes(word)));
  }
});

document.addEventListener('DOMContentLoaded', () => {
  new MutationObserver(() => { follow(); refocus(); })
    .observe(document.body, {childList: true, subtree: true});
});
