// What is heard: the sound with which a turn begins, and then the voice.
const LOUDNESS = { loud: 1, soft: 0.4, off: 0 };

export function sound(view) {
  const loudness = LOUDNESS[view.comfort.volume];
  ring(view.sound, `${view.entry} ${view.insistence}`, loudness);
  speak(view.speech, loudness);
}

const chime = new Audio();
let turn = null;
function ring(address, now, loudness) {
  chime.volume = loudness;
  if (loudness === 0) chime.pause();
  if (now === turn) return;
  turn = now;
  if (address === null || loudness === 0) return;
  chime.src = address;
  chime.play().catch(begin);
}

const voice = new Audio();
let spoken = null;
let pending = false;
function speak(address, loudness) {
  const audible = address !== null && loudness > 0;
  voice.volume = loudness;
  if (!audible) voice.pause();
  if (address === spoken && (audible || address === null)) return;
  spoken = audible ? address : null;
  if (!audible) return;
  voice.src = address;
  pending = true;
  if (chime.paused) begin();
}

// What is new is said once; a sound that comes again does not say it again.
function begin() {
  const said = spoken;
  if (!pending || said === null) return;
  pending = false;
  voice.play().catch(({ name }) => {
    // No kiosk: it waits for a touch. A voice that the next one cuts short has been heard.
    if (name === "NotAllowedError" && spoken === said) spoken = null;
  });
}
chime.onended = begin;
