// Loaded before a proxy's own code (`--import`): tells the bench how much CPU time the process has used, all threads, and
// where (`profile.mjs`).
import { Session } from 'node:inspector/promises';
import { answer, endWithParent } from './answering.mjs';

let session;

answer({
  cpuSeconds: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  async startProfile() {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
  },
  async stopProfile() {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return profile;
  },
});
endWithParent();
// a proxy that has stopped must end
process.channel?.unref();
