/** A forged log entry. */
const forged = '{"level":"fatal","service":"forged","msg":"forged"}';

/** Strings that can cause errors. */
export const oddTexts = [
  '',
  ' ',
  '0',
  'null',
  'true',
  '__proto__',
  'constructor',
  "'; DROP TABLE x; --",
  '<script>',
  '%00',
  '../..',
  '\u0000',
  '\u001b[31m',
  'a\r\nb',
  '\u2028',
  '\ufeff',
  '\ufffd',
  'e\u0301',
  'שלום\u202e',
  '👩‍👩‍👧‍👦',
  '\u{10ffff}',
  forged,
];
/** Keys that can cause errors. */
export const oddKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'id',
  '',
  '\u0000',
  '$ref',
  '\ud800',
];
/** Strings with half of a surrogate pair. */
export const halves = ['\ud800', 'a\udfff', '\ude00\ud83d'];
/** The methods that a path is tried with. */
export const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
/** Strings that look like ids and are not. */
export const oddIds = [
  '0',
  '-1',
  '-0',
  '+1',
  '007',
  '1e3',
  '0x10',
  ' 7',
  '7\n',
  '1.0',
  '٧',
  '７',
  '9007199254740992',
  forged,
];
/** Headers that must not change the result. */
export const oddHeaders = [
  { 'x-request-id': forged },
  { 'x-request-id': '\u009b31mforged' },
  { 'x-request-id': 'forged id' },
  { accept: 'text/html;q=0.1, image/*' },
  { 'accept-encoding': 'gzip, br' },
  { 'x-forwarded-for': forged, 'x-forwarded-host': 'forged' },
  { cookie: `a=${forged}`, authorization: 'Basic Zm9yZ2Vk' },
];
/** Ends of a query that must not change the result. */
export const oddTails = [
  '&__proto__=1',
  '&constructor[prototype]=1',
  '&x=%00%0A%1B[31m',
  `&x=${encodeURIComponent(forged)}`,
  '&&=&x',
];
/** Invalid percent-encodings and invalid UTF-8. */
export const unreadable = ['%', '%zz', '%ff', '%c0%80', '%ed%a0%80', '%e2%82'];
/** Media types that are not JSON. */
export const otherTypes = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/xml',
  'multipart/form-data; boundary=x',
  'application/jsonp',
  'x',
];
/** Functions that make JSON invalid. */
export const spoils: ((text: string) => Buffer)[] = [
  (text) => Buffer.from(text.slice(0, -1)),
  (text) => Buffer.from(`${text},`),
  (text) => Buffer.from(`[${text},]`),
  (text) => Buffer.from(`${text}\u0000`),
  (text) => Buffer.from(`{'a':${text}}`),
  (text) => Buffer.from(`{"a":NaN,"b":${text}}`),
  (text) => Buffer.from(`<json>${text}</json>`),
  () => Buffer.from('{'.repeat(10_000)),
];

/** Adds invalid UTF-8 to a JSON object that is otherwise valid. */
export function spoilUtf8(text: string): Buffer {
  const [brace, rest] = [Buffer.from('{"a":"'), Buffer.from(text.slice(1))];
  return Buffer.concat([brace, Buffer.from([0xff]), Buffer.from(text === '{}' ? '"' : '",'), rest]);
}
