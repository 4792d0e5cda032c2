/*
 * Loaded into a service before it starts (`node --import`), so that the services themselves hold no hook for tests. SIGUSR2 arms it with
 * what the file of WARREN_CHAOS_CRASH_FILE says, `<point> <count>`: when the point is reached for the count-th time from then on, the
 * process kills itself as kill -9 does.
 *
 * | point | the process dies |
 * |---|---|
 * | before-commit, after-commit | before COMMIT, or a statement that is a whole commit, is sent; when its answer has come, before anybody acts on it |
 * | before-publish, after-publish | before a message is sent; when it has been handed to the kernel, unconfirmed |
 * | after-confirm | when a confirm has come, before anybody has seen it |
 * | before-cursor, after-cursor | before the relay's cursor is stored; right after |
 * | after-mail | when the mail server has answered for a mail, before that is recorded |
 * | before-ack, after-ack | before an acknowledgement is sent; when it has been handed to the kernel |
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import SMTPConnection from 'nodemailer/lib/smtp-connection';

const require = createRequire(import.meta.url);
const { Client } = require('pg');
const amqplib = require(join(dirname(require.resolve('amqplib')), 'lib', 'channel_model.js'));

let armed;
let left = 0;

process.on('SIGUSR2', () => {
  const [point, count] = readFileSync(process.env.WARREN_CHAOS_CRASH_FILE, 'utf8').split(' ');
  armed = point;
  left = Number(count);
});

function reach(point) {
  if (point !== armed) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}

/** Two turns of the event loop later what was written has been handed to the kernel. */
const reachLater = (point) => armed === point && setImmediate(() => setImmediate(() => reach(point)));

const isCommit = (config) => config === 'COMMIT' || config?.text?.includes('refuse_commit(');

const query = Client.prototype.query;
Client.prototype.query = function (config, ...rest) {
  const step = isCommit(config) ? 'commit' : config?.name === 'warren/relay-save' ? 'cursor' : undefined;
  if (step === undefined || armed === undefined) return query.call(this, config, ...rest);
  reach(`before-${step}`);
  const answer = query.call(this, config, ...rest);
  return answer.then((result) => {
    reach(`after-${step}`);
    return result;
  });
};

const { Channel, ConfirmChannel } = amqplib;
const { publish } = ConfirmChannel.prototype;
ConfirmChannel.prototype.publish = function (...args) {
  reach('before-publish');
  const flowing = publish.apply(this, args);
  reachLater('after-publish');
  return flowing;
};

const { emit } = ConfirmChannel.prototype;
ConfirmChannel.prototype.emit = function (event, ...args) {
  if (event === 'ack') reach('after-confirm');
  return emit.call(this, event, ...args);
};

const { send } = SMTPConnection.prototype;
SMTPConnection.prototype.send = function (envelope, message, done) {
  return send.call(this, envelope, message, (error, info) => {
    if (!error) reach('after-mail');
    done(error, info);
  });
};

const { ack } = Channel.prototype;
Channel.prototype.ack = function (...args) {
  reach('before-ack');
  ack.apply(this, args);
  reachLater('after-ack');
};
