/* Binary parts of the page: base64, deflated, byte planes apart. They are read when they are first needed. */

const KINDS = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };
const loaded = new Map();

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return the typed array that a reference points to. */
function load(reference) {
  if (!loaded.has(reference.bin)) loaded.set(reference.bin, read(reference));
  return loaded.get(reference.bin);
}

async function read({ bin, kind, n, delta }) {
  const planes = await inflate(fromBase64(document.getElementById(bin).textContent.trim()));
  const size = KINDS[kind].BYTES_PER_ELEMENT;
  if (planes.length !== n * size) throw new Error(`part ${bin} of this report is damaged`);
  const bytes = size === 1 ? planes : new Uint8Array(planes.length);
  for (let plane = 0; size > 1 && plane < size; plane++) {
    for (let i = 0, from = plane * n, to = plane; i < n; i++, from++, to += size) bytes[to] = planes[from];
  }
  const values = new KINDS[kind](bytes.buffer);
  if (delta) for (let i = 1; i < n; i++) values[i] += values[i - 1];
  return values;
}

/** Return an object with every reference in it loaded, one level deep. */
async function loadAll(fields) {
  const entries = Object.entries(fields).map(async ([name, value]) => [
    name,
    value && typeof value === "object" && "bin" in value ? await load(value) : value,
  ]);
  return Object.fromEntries(await Promise.all(entries));
}
