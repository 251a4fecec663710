'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const OpenAI = require('openai');
const { all, ask, calling, ids, picture, prompt, tool } = require('./client.js');

test('a stream is one completion, and it is kept', async () => {
  const client = calling();
  const stream = await client.chat.completions.create(ask({ stream: true, metadata: { project: 'dogs' } }));
  const chunks = await all(stream);
  const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('');
  assert.match(text, /\.mp4/);
  const [one] = new Set(chunks.map((chunk) => chunk.id));
  const kept = await client.chat.completions.retrieve(one);
  assert.equal(kept.choices[0].message.content, text);
  assert.deepEqual(kept.metadata, { project: 'dogs' });
});

test('the client\'s stream helper gathers the text', async () => {
  const pieces = [];
  const stream = calling().chat.completions.stream(ask({ model: 'sim-text' }));
  stream.on('content', (piece) => pieces.push(piece));
  assert.equal(await stream.finalContent(), pieces.join(''));
  assert.match(pieces.join(''), /Hello there/);
});

test('usage comes in a last chunk where it is asked for', async () => {
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await all(await calling().chat.completions.create(ask({ model: 'sim-text', ...options })));
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
});

for (const stream of [false, true]) {
  test(`a tool is run by the client and its result goes back, stream: ${stream}`, async () => {
    const places = [];
    const run = { function: ({ location }) => places.push(location) && '21 degrees', parse: JSON.parse };
    const tools = [{ ...tool, function: { ...tool.function, ...run } }];
    const runner = calling().chat.completions.runTools(ask({ model: 'sim-tools', tools, stream }));
    assert.match(await runner.finalContent(), /Hello there/);
    assert.deepEqual(places, ['Shanghai']);
    assert.deepEqual(runner.messages.map((message) => message.role), ['user', 'assistant', 'tool', 'assistant']);
  });
}

test('a picture is told as a part, and messages are paged', async () => {
  const client = calling();
  const content = [{ type: 'text', text: prompt }, { type: 'image_url', image_url: { url: picture } }];
  const messages = [{ role: 'developer', content: 'Keep it short.' }, { role: 'user', content }];
  const made = await client.chat.completions.create(ask({ messages }));
  const told = await all(client.chat.completions.messages.list(made.id, { limit: 1, order: 'desc' }));
  assert.deepEqual(told.map((message) => message.id), [`${made.id}-1`, `${made.id}-0`]);
  assert.deepEqual([told[0].content, told[0].content_parts], [null, content]);
  assert.equal(told[1].content, 'Keep it short.');
});

test('what is kept is found by model and label, relabelled and deleted, by its owner alone', async () => {
  const client = calling();
  const ours = client.chat.completions;
  const metadata = { project: 'dogs' };
  const text = (await ours.create(ask({ model: 'sim-text', metadata }))).id;
  const film = (await ours.create(ask({ metadata }))).id;
  assert.deepEqual(await ids(ours.list({ model: 'sim-text' })), [text]);
  assert.deepEqual(await ids(ours.list({ metadata, order: 'desc', limit: 1 })), [film, text]);
  assert.deepEqual((await ours.update(film, { metadata: { project: 'cats' } })).metadata, { project: 'cats' });
  assert.deepEqual(await ids(ours.list({ metadata })), [text]);
  await assert.rejects(calling().chat.completions.retrieve(film), OpenAI.NotFoundError);
  assert.equal((await ours.delete(film)).deleted, true);
  await assert.rejects(ours.messages.list(film), OpenAI.NotFoundError);
  assert.deepEqual(await ids(ours.list()), [text]);
});
