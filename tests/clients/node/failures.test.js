'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const OpenAI = require('openai');
const { all, ask, calling, failures } = require('./client.js');

/** What a call that fails is rejected with. */
async function raised(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was raised' });
}

for (const failure of failures) {
  test(`${failure.raises} with ${failure.code} at ${failure.param}`, async () => {
    const client = calling(failure.retries === undefined ? {} : { maxRetries: failure.retries });
    const error = await raised(async () => {
      const answer = await client.chat.completions.create(ask(failure.ask));
      if (failure.ask.stream) await all(answer);
    });
    assert.equal(error.constructor, OpenAI[failure.raises]);
    assert.deepEqual([error.code, error.param], [failure.code, failure.param]);
    assert.equal(error.status ?? null, failure.status);
    assert.match(error.requestID, /^[0-9a-f-]{36}$/);
  });
}

test('what came before a failure was heard, and the failure is told again', async () => {
  const client = calling();
  const chunks = [];
  const heard = await raised(async () => {
    for await (const chunk of await client.chat.completions.create(ask({ model: 'sim-stream-error', stream: true }))) {
      chunks.push(chunk);
    }
  });
  assert.match(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), /生成中/);
  const told = await raised(() => client.chat.completions.retrieve(chunks[0].id));
  assert.equal(told.constructor, OpenAI.InternalServerError);
  assert.equal(told.code, heard.code);
});

test('a key for a request is kept to', async () => {
  const client = calling({ maxRetries: 0 });
  const key = { headers: { 'Idempotency-Key': 'order 7' } };
  const text = ask({ model: 'sim-text' });
  const made = await client.chat.completions.create(text, key);
  const again = await client.chat.completions.create(text, key).withResponse();
  assert.deepEqual(again.data, made);
  assert.equal(again.response.headers.get('x-reelay-replayed'), 'true');
  const other = await raised(() => client.chat.completions.create(ask(), key));
  assert.equal(other.constructor, OpenAI.UnprocessableEntityError);
  await client.chat.completions.delete(made.id);
  const gone = await raised(() => client.chat.completions.create(text, key));
  assert.deepEqual([gone.constructor, gone.code], [OpenAI.ConflictError, 'deleted']);
});
