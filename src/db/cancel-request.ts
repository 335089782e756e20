import pg from 'pg';

/** What is used here of a client of pg, which its types do not name. */
interface Backend {
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean | object;
  readonly sslNegotiation: string;
  readonly processID: number;
  readonly secretKey: number;
}

/** The same of pg's connection. */
interface Messenger {
  readonly stream: { destroy(): void };
  on(event: 'connect' | 'sslconnect' | 'end' | 'error', listener: () => void): void;
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

const Connection = pg.Connection as unknown as new (options: Pick<Backend, 'ssl' | 'sslNegotiation'>) => Messenger;

/**
 * Asks the server to cancel the statement that runs on this connection, over a connection of its own, as PostgreSQL's protocol has it: it takes no
 * connection of the pool, all of which may be busy.
 * @param timeoutMs the longest wait for the server, in milliseconds
 * @returns whether no later statement of the connection can be hit: the server closes the connection of the request when it has signalled the
 *   cancelling. False when it has not done so; true, too, when the request could not be sent
 */
export const requestCancel = (client: pg.ClientBase, timeoutMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const { host, port, ssl, sslNegotiation, processID, secretKey } = client as unknown as Backend;
    const connection = new Connection({ ssl, sslNegotiation });
    let isSent = false;
    const finish = (isOver: boolean): void => {
      clearTimeout(impatience);
      resolve(isOver);
    };
    const impatience = setTimeout(() => {
      finish(!isSent);
      connection.stream.destroy();
    }, timeoutMs);
    const send = (): void => {
      isSent = true;
      connection.cancel(processID, secretKey);
    };
    connection.on('connect', () => {
      if (ssl === false) send();
      else if (sslNegotiation !== 'direct') connection.requestSsl();
    });
    connection.on('sslconnect', send);
    connection.on('error', () => finish(!isSent));
    connection.on('end', () => finish(true));
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
