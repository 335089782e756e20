import { test } from 'vitest';
import { startTestApp } from '../kit/app.js';
test('x', async () => {
  const app = await startTestApp({env:{LOG_LEVEL:'debug'}});
  const ada = await app.user('ada');
  const g = await app.data<any>('mutation{createGroup(input:{title:"x",memberIds:[]}){conversation{id}}}', {}, ada);
  const id = g.createGroup.conversation.id;
  const r = await Promise.all(Array.from({length: 10}, (_, i) => app.execute<any>('mutation($id:ID!){sendMessage(input:{conversationId:$id, body:"x"}){cursor message{id seq}}}', { id }, ada)));
  console.log(JSON.stringify(r.map(x => x.data?.sendMessage.message.seq ?? x.errors)));
  console.log(JSON.stringify(await app.database.query('select seq, id, body from message order by seq')));
  console.log(JSON.stringify(await app.database.query('select seq, kind, ref from event order by seq')));
  await app.stop();
});
