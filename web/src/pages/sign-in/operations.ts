import { graphql } from '../../gql/gql.js';

/** What a session begins with. */
export const NewSession = graphql(`
  fragment NewSession on Credentials {
    accessToken
    accessTokenExpiresAt
    refreshToken
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

export const operations = [SignIn, SignUp, ComeAsGuest] as const;
