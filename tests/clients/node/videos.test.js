'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { test } = require('node:test');
const path = require('node:path');
const OpenAI = require('openai');
const { ask, calling, ended, ids, picture, prompt } = require('./client.js');

const MP4 = readFileSync(path.join(__dirname, '../../../dev/simulator/media/sample.mp4'));

/** A file's bytes. */
async function downloaded(client, id, query) {
  const response = await client.videos.downloadContent(id, query);
  return Buffer.from(await response.arrayBuffer());
}

test('a video is made, polled, downloaded, remixed, listed and deleted', async () => {
  const client = calling();
  const made = await client.videos.create({ prompt, model: 'sora-2', seconds: '8', size: '1280x720' });
  assert.equal(made.object, 'video');
  const video = await ended(client, made.id);
  assert.deepEqual(
    [video.status, video.progress, video.prompt, video.seconds, video.size],
    ['completed', 100, prompt, '8', '1280x720'],
  );
  assert.deepEqual(await downloaded(client, video.id), MP4);
  assert.equal((await downloaded(client, video.id, { variant: 'thumbnail' })).toString('latin1', 0, 4), 'RIFF');
  const remix = await ended(client, (await client.videos.remix(video.id, { prompt: 'at night' })).id);
  assert.deepEqual([remix.status, remix.remixed_from_video_id], ['completed', video.id]);
  assert.deepEqual(await ids(client.videos.list({ limit: 1, order: 'asc' })), [video.id, remix.id]);
  assert.equal((await client.videos.delete(video.id)).deleted, true);
  await assert.rejects(client.videos.retrieve(video.id), OpenAI.NotFoundError);
  assert.deepEqual(await ids(client.videos.list()), [remix.id]);
});

const BYTES = Buffer.from(picture.split(',')[1], 'base64');
const REFERENCES = {
  'a file': () => OpenAI.toFile(BYTES, 'dog.png', { type: 'image/png' }),
  'a data URL': async () => ({ image_url: picture }),
};

for (const [kind, reference] of Object.entries(REFERENCES)) {
  test(`${kind} goes along as the picture that the video begins with`, async () => {
    const client = calling();
    const made = await client.videos.create({ prompt, model: 'sora-2', input_reference: await reference() });
    assert.equal((await ended(client, made.id)).status, 'completed');
    const [asked] = (await client.chat.completions.messages.list(made.id.replace('video_', 'chatcmpl-'))).data;
    assert.equal(asked.content_parts[1].image_url.url, picture);
  });
}

test('a video that fails says why, and has no file', async () => {
  const client = calling();
  const video = await ended(client, (await client.videos.create({ prompt, model: 'sim-no-link' })).id);
  assert.deepEqual([video.status, video.error.code], ['failed', 'no_video']);
  await assert.rejects(client.videos.downloadContent(video.id), { code: 'media_unavailable', status: 404 });
});

test('a wrong call names its place', async () => {
  const client = calling();
  await assert.rejects(client.videos.create({ prompt: '' }), { param: 'prompt', status: 400 });
  await assert.rejects(client.videos.list({ limit: 0 }), { param: 'limit', status: 400 });
  const made = await client.chat.completions.create(ask());
  const film = made.id.replace('chatcmpl-', 'video_');
  const spritesheet = client.videos.downloadContent(film, { variant: 'spritesheet' });
  await assert.rejects(spritesheet, { param: 'variant', status: 400 });
});
