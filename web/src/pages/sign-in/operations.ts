import { graphql } from '../../gql/gql.js';

/** What a session begins with. */
export const NewSession = graphql(`
  fragment NewSession on Credentials {
    accessToken
    accessTokenExpiresAt
    refreshToken
    deviceToken
  }
`);

export const SignIn = graphql(`
  mutation SignIn($input: LoginInput!) {
    login(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
      }
    }
  }
`);

/** The second step of a sign-in. */
export const FinishLogin = graphql(`
  mutation FinishLogin($input: FinishLoginInput!) {
    finishLogin(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
      }
    }
  }
`);

export const StartPasskeyLogin = graphql(`
  mutation StartPasskeyLogin {
    startPasskeyLogin {
      token
      options
    }
  }
`);

export const LoginWithPasskey = graphql(`
  mutation LoginWithPasskey($input: LoginWithPasskeyInput!) {
    loginWithPasskey(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
      }
    }
  }
`);

/** By the link of a mail. */
export const ConfirmSignIn = graphql(`
  mutation ConfirmSignIn($input: ConfirmSignInInput!) {
    confirmSignIn(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
      }
    }
  }
`);

export const SignUp = graphql(`
  mutation SignUp($input: RegisterInput!) {
    register(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
      }
    }
  }
`);

export const ComeAsGuest = graphql(`
  mutation ComeAsGuest($input: JoinAsGuestInput!) {
    joinAsGuest(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
      }
    }
  }
`);

/** Makes an account of a guest. */
export const ClaimAccount = graphql(`
  mutation ClaimAccount($input: ClaimAccountInput!) {
    claimAccount(input: $input) {
      user {
        id
        username
        displayName
        role
      }
    }
  }
`);

export const LoginWithOidc = graphql(`
  mutation LoginWithOidc($input: LoginWithOidcInput!) {
    loginWithOidc(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
      }
      signUp {
        token
        username
        issuer {
          label
        }
      }
    }
  }
`);

export const RegisterWithOidc = graphql(`
  mutation RegisterWithOidc($input: RegisterWithOidcInput!) {
    registerWithOidc(input: $input) {
      credentials {
        ...NewSession
      }
      user {
        id
        username
        displayName
        role
      }
    }
  }
`);

export const LinkIdentity = graphql(`
  mutation LinkIdentity($input: LinkIdentityInput!) {
    linkIdentity(input: $input) {
      me {
        id
        identities {
          id
        }
      }
    }
  }
`);

export const HowToComeIn = graphql(`
  query HowToComeIn {
    registration {
      mode
      guests
    }
    terms {
      version
      url
    }
  }
`);

export const VerifyEmail = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) {
    verifyEmail(input: $input) {
      user {
        id
        username
      }
    }
  }
`);

export const RequestPasswordReset = graphql(`
  mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) {
      ok
    }
  }
`);

export const ResetPassword = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) {
    resetPassword(input: $input) {
      user {
        id
        username
      }
    }
  }
`);

export const operations = [
  SignIn,
  FinishLogin,
  StartPasskeyLogin,
  LoginWithPasskey,
  ConfirmSignIn,
  SignUp,
  ComeAsGuest,
  ClaimAccount,
  LoginWithOidc,
  RegisterWithOidc,
  LinkIdentity,
  HowToComeIn,
  VerifyEmail,
  RequestPasswordReset,
  ResetPassword,
] as const;
