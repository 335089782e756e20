import { graphql } from '../../../gql/gql.js';

export const PasskeyItem = graphql(`
  fragment PasskeyItem on Passkey {
    id
    name
    isBackedUp
    createdAt
    lastUsedAt
  }
`);

/** What the viewer signs in with beside the password. */
export const FactorsOfMe = graphql(`
  fragment FactorsOfMe on Me {
    id
    secondFactor {
      isOn
      isRequired
      totp
      recoveryCodesLeft
    }
    passkeys {
      id
      ...PasskeyItem
    }
  }
`);

export const FactorsOfViewer = graphql(`
  query FactorsOfViewer {
    me {
      id
      hasPassword
      ...FactorsOfMe
    }
  }
`);

export const StartTotp = graphql(`
  mutation StartTotp($input: StartTotpInput!) {
    startTotp(input: $input) {
      secret
      uri
    }
  }
`);

export const ConfirmTotp = graphql(`
  mutation ConfirmTotp($code: String!) {
    confirmTotp(input: { code: $code }) {
      recoveryCodes
      me {
        id
        ...FactorsOfMe
      }
    }
  }
`);

export const DisableTotp = graphql(`
  mutation DisableTotp($input: DisableTotpInput!) {
    disableTotp(input: $input) {
      me {
        id
        ...FactorsOfMe
      }
    }
  }
`);

export const RenewRecoveryCodes = graphql(`
  mutation RenewRecoveryCodes($input: RenewRecoveryCodesInput!) {
    renewRecoveryCodes(input: $input) {
      recoveryCodes
      me {
        id
        ...FactorsOfMe
      }
    }
  }
`);

export const StartPasskey = graphql(`
  mutation StartPasskey($input: StartPasskeyInput!) {
    startPasskey(input: $input) {
      token
      options
    }
  }
`);

export const AddPasskey = graphql(`
  mutation AddPasskey($input: AddPasskeyInput!) {
    addPasskey(input: $input) {
      recoveryCodes
      me {
        id
        ...FactorsOfMe
      }
    }
  }
`);

export const RenamePasskey = graphql(`
  mutation RenamePasskey($input: RenamePasskeyInput!) {
    renamePasskey(input: $input) {
      passkey {
        id
        name
      }
    }
  }
`);

export const RemovePasskey = graphql(`
  mutation RemovePasskey($input: RemovePasskeyInput!) {
    removePasskey(input: $input) {
      me {
        id
        ...FactorsOfMe
      }
    }
  }
`);

export const secondFactorOperations = [
  FactorsOfViewer,
  StartTotp,
  ConfirmTotp,
  DisableTotp,
  RenewRecoveryCodes,
  StartPasskey,
  AddPasskey,
  RenamePasskey,
  RemovePasskey,
] as const;
