/** What a browser answered that was asked for a passkey. */
export type PasskeyAnswer =
  | { readonly credential: string }
  /** CANCELLED also where there was none to choose; PRESENT where the device has one of this account already. */
  | { readonly refused: 'CANCELLED' | 'PRESENT' };

/** Of a page at an address of numbers: passkeys belong to a domain. */
const NO_DOMAIN = /^[\d.]+$|^\[/;

/** Whether this browser makes and uses passkeys here, and reads what the server asks it. */
export const knowsPasskeys = (): boolean =>
  !NO_DOMAIN.test(window.location.hostname) &&
  typeof PublicKeyCredential === 'function' &&
  'parseRequestOptionsFromJSON' in PublicKeyCredential;

const answerOf = async (ask: () => Promise<Credential | null>): Promise<PasskeyAnswer> => {
  try {
    const credential = await ask();
    return credential instanceof PublicKeyCredential ? { credential: JSON.stringify(credential.toJSON()) } : { refused: 'CANCELLED' };
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return { refused: error.name === 'InvalidStateError' ? 'PRESENT' : 'CANCELLED' };
  }
};

/** Has the browser make a passkey. @param options of `startPasskey` */
export const makePasskey = (options: string): Promise<PasskeyAnswer> =>
  answerOf(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options) as PublicKeyCredentialCreationOptionsJSON),
    }),
  );

/** Has the browser ask for a passkey. @param options of `startPasskeyLogin` */
export const askForPasskey = (options: string): Promise<PasskeyAnswer> =>
  answerOf(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options) as PublicKeyCredentialRequestOptionsJSON),
    }),
  );
