import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../errors/problem.ts';
import { findSyntaxError } from './json-position.ts';

const mediaType = 'application/json';

/** Parses JSON bodies. An empty body may have any content type, because `curl -d ''` sends that of a form. */
export const bodyParser = fp(
  async (app) => {
    // The type of an absent body has no meaning, and Fastify would reject it. Fastify also rejects a malformed type before
    // it reads the body, which may be empty: without a type, the last parser decides.
    app.addHook('onRequest', ({ headers }, _reply, done) => {
      const type = headers['content-type'];
      if (type !== undefined && (!hasBody(headers) || !isMediaType(type))) delete headers['content-type'];
      done();
    });

    const parseJson = app.getDefaultJsonParser('remove', 'remove');
    app.removeAllContentTypeParsers();

    app.addContentTypeParser<Buffer>(mediaType, { parseAs: 'buffer' }, (request, body, done) => {
      const { headers } = request;
      if (body.length === 0) return done(null, undefined);
      if (isEncoded(headers)) return done(unsupportedCoding());
      if (!isJson(headers['content-type'] ?? '')) return done(unsupportedType(listMediaTypes(request)));
      // Decoding would replace invalid bytes by U+FFFD, and so change what the client sent.
      if (!isUtf8(body)) return done(new Problem(400, 'The body is not UTF-8'));
      const text = body.toString();
      parseJson(request, text, (error, value) => {
        if (error === null) done(null, value);
        else done(malformed(text));
      });
    });

    app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
      if (body.length === 0) done(null, undefined);
      else done(isEncoded(request.headers) ? unsupportedCoding() : unsupportedType(listMediaTypes(request)));
    });
  },
  { name: 'body-parser', dependencies: ['request-lifecycle', 'unmatched-routes'] },
);

/** Lists the media types of bodies that a route accepts. */
function listMediaTypes({ routeOptions }: FastifyRequest): readonly string[] {
  const { content } = Object(routeOptions.schema?.body) as { readonly content?: object };
  return content === undefined ? [mediaType] : Object.keys(content);
}

/** RFC 9112, section 6.3: a request with neither header has no body. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return length === undefined ? headers['transfer-encoding'] !== undefined : length !== '0';
}

function isEncoded({ 'content-encoding': coding = '' }: IncomingHttpHeaders): boolean {
  return coding !== '' && coding.toLowerCase() !== 'identity';
}

const token = "[\\w!#$%&'*+.^`|~-]+";
const parameter = `(${token})=(${token}|"(?:[^"\\\\]|\\\\.)*")`;
/** Whitespace is allowed around each `;`, and a parameter may be missing: RFC 9110, sections 5.6.6 and 8.3.1. */
const mediaTypeForm = new RegExp(`^[ \\t]*${token}/${token}[ \\t]*(?:;[ \\t]*(?:${parameter}[ \\t]*)?)*$`);
const parameters = new RegExp(`;[ \\t]*(?:${parameter})?`, 'g');

function isMediaType(type: string): boolean {
  return type === mediaType || mediaTypeForm.test(type);
}

/** Whether the charset of a well-formed type, if it has one, is UTF-8. */
function isJson(type: string): boolean {
  if (type === mediaType) return true;
  return [...type.matchAll(parameters)].every(
    ([, name, value]) => name?.toLowerCase() !== 'charset' || /^"?utf-8"?$/i.test(value as string),
  );
}

// RFC 9110, section 15.5.16: the response names what the server accepts.

function unsupportedCoding(): Problem {
  const headers = { 'accept-encoding': 'identity' };
  return new Problem(415, 'The body must be sent without a content coding', { headers });
}

/** @param types the media types that the route accepts. */
export function unsupportedType(types: readonly string[]): Problem {
  const names = types.map((type) => (type === mediaType ? `${type} in UTF-8` : type));
  return new Problem(415, `The body must be ${names.join(' or ')}`, {
    headers: { accept: types.join(', ') },
  });
}

function malformed(text: string): Problem {
  const position = findSyntaxError(text);
  return new Problem(400, `The body is not JSON${position === undefined ? '' : `: at position ${position}`}`);
}
