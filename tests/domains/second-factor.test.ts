import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { COUNTED, PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aSecondFactor } from '../kit/factories.js';
import { graphql, type TypedText } from '../kit/graphql.js';
import { askFrom, newAddress, type Outcome } from '../kit/origins.js';
import { secretIn, startSmtp, type TestMail, type TestSmtp } from '../kit/smtp.js';
import { codeAt, STEP_MS } from '../kit/totp.js';

const Login = graphql(`
  mutation FactorLogin($input: LoginInput!) {
    login(input: $input) {
      user {
        id
      }
      credentials {
        accessToken
      }
    }
  }
`);
const Finish = graphql(`
  mutation FactorFinish($input: FinishLoginInput!) {
    finishLogin(input: $input) {
      user {
        username
      }
      credentials {
        accessToken
        deviceToken
      }
    }
  }
`);
const Start = graphql(`
  mutation FactorStart($input: StartTotpInput!) {
    startTotp(input: $input) {
      secret
      uri
    }
  }
`);
const Confirm = graphql(`
  mutation FactorConfirm($input: ConfirmTotpInput!) {
    confirmTotp(input: $input) {
      recoveryCodes
      me {
        secondFactor {
          isOn
          totp
          recoveryCodesLeft
        }
      }
    }
  }
`);
const Disable = graphql(`
  mutation FactorDisable($input: DisableTotpInput!) {
    disableTotp(input: $input) {
      me {
        secondFactor {
          isOn
          totp
          recoveryCodesLeft
        }
      }
    }
  }
`);
const Renew = graphql(`
  mutation FactorRenew($input: RenewRecoveryCodesInput!) {
    renewRecoveryCodes(input: $input) {
      recoveryCodes
    }
  }
`);
const ConfirmLink = graphql(`
  mutation FactorLink($input: ConfirmSignInInput!) {
    confirmSignIn(input: $input) {
      user {
        username
      }
    }
  }
`);
const Verify = graphql(`
  mutation FactorVerify($input: VerifyEmailInput!) {
    verifyEmail(input: $input) {
      user {
        username
      }
    }
  }
`);
const Change = graphql(`
  mutation FactorChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) {
      credentials {
        accessToken
      }
    }
  }
`);

const FREE = 5;
const HUNTED = 50;
/** Wrong as long as the clock does not say otherwise, which one of a million does. */
const WRONG = '000000';
const OFF = { isOn: false, totp: false, recoveryCodesLeft: 0 };

let now = Date.now();

let smtp: TestSmtp;
let app: TestApp;
beforeAll(async () => {
  smtp = await startSmtp();
  app = await startTestApp({
    env: { ...COUNTED, TRUST_PROXY: 'true', SMTP_URL: smtp.url, MAIL_FROM: 'mail@lyceum.example' },
    clock: { now: () => now },
  });
});
afterAll(async () => {
  await app.stop();
  await smtp.stop();
});

/** Somebody whose app makes codes. */
interface Owner extends TestUser {
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
  /** The next code, which has not been used. */
  readonly code: () => string;
}
const codesOf = (secret: string) => (): string => codeAt(secret, (now += STEP_MS));
const owner = async (name: string): Promise<Owner> => {
  const user = await app.user(name);
  const { secret, recoveryCodes } = await aSecondFactor(app, user, (now += STEP_MS));
  const code = codesOf(secret);
  return { ...user, secret, code, recoveryCodes };
};
const mailWith = (to: string, subject: string): Promise<TestMail> => smtp.mailWith(subject, { to });
const verified = async (user: TestUser): Promise<void> => {
  const mail = await mailWith(`${user.username}@example.com`, 'Confirm your mail address');
  await app.data(Verify, { input: { token: secretIn(mail) } });
};

const asked = (document: TypedText<unknown, never>, input: object, address: string | null, as?: TestUser): Promise<Outcome> =>
  askFrom(app, address, document, input, as);
const login = (identifier: string, address: string, password = PASSWORD): Promise<Outcome> =>
  asked(Login, { identifier, password }, address);
const tokenOf = async (identifier: string, address = newAddress()): Promise<string> =>
  String((await login(identifier, address)).extensions['signInToken']);
const finish = (token: string, code: string, address = newAddress(), deviceToken: string | null = null): Promise<Outcome> =>
  asked(Finish, { token, code, deviceToken }, address);
const audited = async (user: TestUser): Promise<readonly string[]> =>
  (
    await app.database.query<{ action: string }>('SELECT action FROM audit_event WHERE subject_id = $1 ORDER BY seq', [parseId(user.id).id])
  ).map(({ action }) => action);

describe('an app that makes codes', () => {
  it('is asked for once its first code has confirmed it, and the seed is encrypted', async () => {
    const user = await app.user('tessa');
    await verified(user);
    const { secret, uri } = (await app.data(Start, { input: { password: PASSWORD } }, user)).startTotp;
    expect(uri).toContain(`secret=${secret}`);
    expect(await login('tessa', newAddress())).toMatchObject({ code: undefined });
    const { recoveryCodes, me } = (await app.data(Confirm, { input: { code: codeAt(secret, now) } }, user)).confirmTotp;
    expect(me.secondFactor).toEqual({ isOn: true, totp: true, recoveryCodesLeft: 10 });
    expect(new Set(recoveryCodes).size).toBe(10);
    expect(await login('tessa', newAddress())).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SECOND_FACTOR', data: { login: null } });
    const [row] = await app.database.query<{ secret: string }>('SELECT secret FROM totp WHERE user_id = $1', [parseId(user.id).id]);
    expect(row?.secret).toMatch(/^v1\.[0-9a-f]{16}\./);
    expect(await audited(user)).toContain('confirmTotp');
    const mail = await mailWith('tessa@example.com', 'Signing in takes a code of your app now');
    expect(mail.text).toContain('tessa');
  });

  it('needs the password to be set up, or else whoever has a session could shut its owner out', async () => {
    const user = await app.user('thea');
    expect(await asked(Start, {}, null, user)).toMatchObject({ extensions: { fields: [{ path: 'input.password', code: 'REQUIRED' }] } });
    expect(await asked(Start, { password: 'wrong' }, null, user)).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await asked(Confirm, { code: '123456' }, null, user)).toMatchObject({ code: 'CONFLICT' });
  });

  it('gives a code that signs in once, and neither the same code nor the same token does it again', async () => {
    const tom = await owner('tom');
    const [token, another] = [await tokenOf('tom'), await tokenOf('tom')];
    const code = tom.code();
    expect(await finish(token, code)).toMatchObject({ code: undefined, data: { finishLogin: { user: { username: 'tom' } } } });
    expect(await finish(another, code)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'WRONG_CODE' });
    expect(await finish(token, tom.code())).toMatchObject({ extensions: { fields: [{ path: 'input.token', code: 'NOT_FOUND' }] } });
    expect(await audited(tom)).toContain('finishLogin');
  });

  it('signs in once of two attempts that give the same code at the same time', async () => {
    const tina = await owner('tina');
    const tokens = [await tokenOf('tina'), await tokenOf('tina')];
    const code = tina.code();
    const answers = await Promise.all(tokens.map((token) => finish(token, code)));
    expect(new Set(answers.map((each) => each.code))).toEqual(new Set(['UNAUTHENTICATED', undefined]));
  });

  it('takes the code before and the next one, and no digits of other scripts', async () => {
    const tara = await owner('tara');
    const at = (now += 3 * STEP_MS);
    expect(await finish(await tokenOf('tara'), codeAt(tara.secret, at - STEP_MS))).toMatchObject({ code: undefined });
    expect(await finish(await tokenOf('tara'), codeAt(tara.secret, at + STEP_MS))).toMatchObject({ code: undefined });
    expect(await finish(await tokenOf('tara'), codeAt(tara.secret, at + 3 * STEP_MS))).toMatchObject({ reason: 'WRONG_CODE' });
    expect(await finish(await tokenOf('tara'), '١٢٣٤٥٦')).toMatchObject({ reason: 'WRONG_CODE' });
  });

  it('ends the sessions in which nobody has shown it, on open sockets too', async () => {
    const theo = await app.user('theo');
    const { data } = await login('theo', newAddress());
    const other = { ...theo, token: (data as { login: { credentials: { accessToken: string } } }).login.credentials.accessToken };
    const socket = app.connect(other);
    const counts = socket.subscribe('subscription { unreadCounts { messages } }');
    await counts.data();
    const { secret } = (await app.data(Start, { input: { password: PASSWORD } }, theo)).startTotp;
    await app.data(Confirm, { input: { code: codeAt(secret, now) } }, theo);
    await expect.poll(() => app.code(Start, { input: { password: PASSWORD } }, other)).toBe('UNAUTHENTICATED');
    expect(await socket.closed).toBe(4401);
    expect(await app.code(Start, { input: { password: PASSWORD } }, theo)).toBe('CONFLICT');
  });

  it('is turned off by the password or a code, and recovery codes go with it', async () => {
    const tilo = await owner('tilo');
    await verified(tilo);
    expect(await asked(Disable, {}, null, tilo)).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await asked(Disable, { code: WRONG }, null, tilo)).toMatchObject({ extensions: { fields: [{ path: 'input.code' }] } });
    expect(await asked(Disable, { code: tilo.code(), password: PASSWORD }, null, tilo)).toMatchObject({
      extensions: { fields: [{ code: 'EXCLUSIVE' }] },
    });
    expect((await app.data(Disable, { input: { code: tilo.code() } }, tilo)).disableTotp.me.secondFactor).toEqual(OFF);
    expect(await login('tilo', newAddress())).toMatchObject({ code: undefined });
    await mailWith('tilo@example.com', 'Codes of your app have been turned off');
  });
});

describe('the token of a second step', () => {
  it('ends after ten minutes, and with the password that was given', async () => {
    const uma = await owner('uma');
    const [old, ended] = [await tokenOf('uma'), await tokenOf('uma')];
    now += 10 * 60_000;
    expect(await finish(old, uma.code())).toMatchObject({ code: 'BAD_USER_INPUT' });
    await app.data(Change, { input: { currentPassword: PASSWORD, newPassword: `${PASSWORD} again` } }, uma);
    expect(await finish(ended, uma.code())).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await finish('made up', uma.code())).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('is of no use for another account', async () => {
    await owner('ugo');
    const vera = await owner('vera');
    expect(await finish(await tokenOf('ugo'), vera.code())).toMatchObject({ reason: 'WRONG_CODE' });
  });
});

describe('a recovery code', () => {
  it('stands in for the app once, written in any way, and its owner is told', async () => {
    const rolf = await owner('rolf');
    await verified(rolf);
    const [first = '', second = ''] = rolf.recoveryCodes;
    expect(await finish(await tokenOf('rolf'), ` ${first.toUpperCase().replaceAll('-', ' ')} `)).toMatchObject({ code: undefined });
    expect(await finish(await tokenOf('rolf'), first)).toMatchObject({ reason: 'WRONG_CODE' });
    expect(await finish(await tokenOf('rolf'), second)).toMatchObject({ code: undefined });
    expect(await audited(rolf)).toEqual(expect.arrayContaining(['useRecoveryCode']));
    await mailWith('rolf@example.com', 'A recovery code has been used');
    const rows = await app.database.query<{ code_hash: Buffer }>('SELECT code_hash FROM recovery_code');
    expect(rows.every(({ code_hash: hash }) => hash.length === 32)).toBe(true);
  });

  it('is good for nothing once others were made', async () => {
    const rosa = await owner('rosa');
    const { recoveryCodes } = (await app.data(Renew, { input: { password: PASSWORD } }, rosa)).renewRecoveryCodes;
    expect(await finish(await tokenOf('rosa'), rosa.recoveryCodes[0] ?? '')).toMatchObject({ reason: 'WRONG_CODE' });
    expect(await finish(await tokenOf('rosa'), recoveryCodes?.[0] ?? '')).toMatchObject({ code: undefined });
  });

  it('is not made for an account without a second factor', async () => {
    const user = await app.user('ruth');
    expect(await asked(Renew, { password: PASSWORD }, null, user)).toMatchObject({ code: 'CONFLICT' });
  });
});

describe('who guesses at codes', () => {
  it('waits longer and longer, whatever token they have, and the owner gets in from elsewhere meanwhile', async () => {
    const gero = await owner('gero');
    const from = newAddress();
    const token = await tokenOf('gero', from);
    for (let n = 0; n <= FREE; n += 1) await finish(token, WRONG, from);
    expect(await finish(await tokenOf('gero', from), codeAt(gero.secret, now), from)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await finish(token, gero.code())).toMatchObject({ code: undefined });
  });

  it('waits within a session, too', async () => {
    const gabi = await owner('gabi');
    for (let n = 0; n <= FREE; n += 1) await asked(Disable, { code: WRONG }, null, gabi);
    expect(await asked(Disable, { code: WRONG }, null, gabi)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await asked(Disable, { password: PASSWORD }, null, gabi)).toMatchObject({ code: undefined });
  });

  it('gets a link by mail for a right code once many have guessed, and a device that was there before gets in', async () => {
    const gesa = await owner('gesa');
    await verified(gesa);
    const { data } = await finish(await tokenOf('gesa'), gesa.code());
    const device = (data as { finishLogin: { credentials: { deviceToken: string } } }).finishLogin.credentials.deviceToken;
    const token = await tokenOf('gesa');
    const from = Array.from({ length: 11 }, newAddress);
    await Promise.all(Array.from({ length: HUNTED + 1 }, (_, n) => finish(token, WRONG, from[n % from.length])));
    const suspect = { code: 'UNAUTHENTICATED', reason: 'CONFIRM_BY_MAIL' };
    expect(await finish(token, WRONG)).toMatchObject(suspect);
    expect(await finish(token, gesa.code())).toMatchObject(suspect);
    await mailWith('gesa@example.com', 'Somebody knows your password');
    const link = secretIn(await mailWith('gesa@example.com', 'Sign in with this link'));
    expect(await finish(await tokenOf('gesa'), gesa.code(), newAddress(), device)).toMatchObject({ code: undefined });
    expect((await app.data(ConfirmLink, { input: { token: link } })).confirmSignIn.user.username).toBe('gesa');
  });
});

describe('an account with a second factor whose password is guessed at', () => {
  const hunt = async (identifier: string): Promise<void> => {
    const from = Array.from({ length: 11 }, newAddress);
    await Promise.all(Array.from({ length: HUNTED + 1 }, (_, n) => login(identifier, from[n % from.length] ?? '', 'no')));
  };

  it('takes a code from an address that is not known, and does not tell whether the password was right', async () => {
    const hugo = await owner('hugo');
    await verified(hugo);
    await hunt('hugo');
    const [right, wrong] = [await login('hugo', newAddress()), await login('hugo', newAddress(), 'no')];
    const shape = ({ message, extensions }: Outcome) => ({
      message,
      lengths: Object.entries(extensions).map(([name, value]) => [name, String(value).length]),
    });
    expect(right.reason).toBe('CONFIRM_BY_MAIL');
    expect(shape(right)).toEqual(shape(wrong));
    const code = hugo.code();
    expect(await finish(String(wrong.extensions['signInToken']), code)).toMatchObject({ reason: 'WRONG_CODE' });
    expect(await finish(String(right.extensions['signInToken']), code)).toMatchObject({ code: undefined });
  });

  it('answers as a name that nobody has does', async () => {
    await hunt('nobody-of-that-name');
    const { reason, extensions } = await login('nobody-of-that-name', newAddress());
    expect(reason).toBe('CONFIRM_BY_MAIL');
    expect(await finish(String(extensions['signInToken']), WRONG)).toMatchObject({ reason: 'WRONG_CODE' });
  });

  it('is sent no link for the password alone', async () => {
    const hedi = await owner('hedi');
    await verified(hedi);
    await hunt('hedi');
    await login('hedi', newAddress());
    await expect
      .poll(async () => await app.database.query("SELECT 1 FROM graphile_worker.jobs WHERE task_identifier = 'account.signInMail'"))
      .toEqual([]);
    expect(
      smtp.mails.filter(({ recipients, subject }) => recipients.includes('hedi@example.com') && subject === 'Sign in with this link'),
    ).toEqual([]);
  });
});

describe('where the operator requires a second factor of moderators', () => {
  let strict: TestApp;
  beforeAll(async () => {
    strict = await startTestApp({ env: { REQUIRE_SECOND_FACTOR: 'MODERATOR' } });
  });
  afterAll(() => strict.stop());

  const Audit = graphql(`query FactorAudit { auditLog(first: 1) { nodes { id } } }`);
  const Mine = graphql(`query FactorMine { me { user { role } secondFactor { isOn isRequired } } }`);
  const Key = graphql(`mutation FactorKey($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }`);
  const refusal = async (token: string): Promise<unknown> => (await strict.execute(Audit, {}, { token })).errors?.[0]?.extensions;

  it('an administrator without one is told what they lack, and administers once they have it', async () => {
    const chief = await strict.userWithRole('strict_chief', 'ADMIN');
    expect(await refusal(chief.token)).toEqual({ code: 'FORBIDDEN', reason: 'SECOND_FACTOR_REQUIRED' });
    expect((await strict.data(Mine, {}, chief)).me.secondFactor).toEqual({ isOn: false, isRequired: true });
    await aSecondFactor(strict, chief, Date.now());
    expect(await refusal(chief.token)).toBeUndefined();
  });

  it('neither a key nor an open socket has more than its owner', async () => {
    const chief = await strict.userWithRole('strict_keeper', 'ADMIN');
    await aSecondFactor(strict, chief, Date.now());
    const { secret } = (await strict.data(Key, { input: { name: 'A program', scopes: ['ADMIN'] } }, chief)).createApiKey;
    expect(await refusal(secret)).toBeUndefined();
    const socket = strict.connect(chief);
    expect((await socket.execute(Audit)).errors).toBeUndefined();
    await strict.data(Disable, { input: { password: PASSWORD } }, chief);
    await expect
      .poll(async () => (await socket.execute(Audit)).errors?.[0]?.extensions)
      .toMatchObject({ reason: 'SECOND_FACTOR_REQUIRED' });
    expect(await refusal(secret)).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('a member needs none, and is told that their role does not allow it', async () => {
    const user = await strict.user('strict_member');
    expect(await refusal(user.token)).toEqual({ code: 'FORBIDDEN' });
    expect((await strict.data(Mine, {}, user)).me.secondFactor).toEqual({ isOn: false, isRequired: false });
  });
});
