import { graphql } from '../../gql/gql.js';

export const SettingsOfViewer = graphql(`
  query SettingsOfViewer {
    oidcIssuers {
      name
    }
    me {
      id
      email
      emailVerified
      hasPassword
      pendingEmail
      notificationPreferences {
        kind
        enabled
      }
      user {
        id
        username
        displayName
        role
        locale
        timeZone
      }
    }
  }
`);

export const SetNotificationPreference = graphql(`
  mutation SetNotificationPreference($input: UpdateNotificationPreferencesInput!) {
    updateNotificationPreferences(input: $input) {
      me {
        id
        notificationPreferences {
          kind
          enabled
        }
      }
    }
  }
`);

export const SessionItem = graphql(`
  fragment SessionItem on Session {
    id
    device
    ip
    createdAt
    lastUsedAt
    current
  }
`);

export const SessionsOfViewer = graphql(`
  query SessionsOfViewer {
    me {
      id
      sessions {
        id
        current
        ...SessionItem
      }
    }
  }
`);

export const IdentitiesOfViewer = graphql(`
  query IdentitiesOfViewer {
    oidcIssuers {
      name
      label
    }
    me {
      id
      hasPassword
      identities {
        id
        email
        issuerUrl
        lastUsedAt
        issuer {
          name
          label
        }
      }
    }
  }
`);

export const UnlinkIdentity = graphql(`
  mutation UnlinkIdentity($identityId: ID!) {
    unlinkIdentity(input: { identityId: $identityId }) {
      me {
        id
        identities {
          id
        }
      }
    }
  }
`);

export const EndSession = graphql(`
  mutation EndSession($sessionId: ID!) {
    revokeSession(input: { sessionId: $sessionId }) {
      me {
        id
        sessions {
          id
        }
      }
    }
  }
`);

export const EndOtherSessions = graphql(`
  mutation EndOtherSessions {
    revokeAllSessions(input: { keepCurrent: true }) {
      me {
        id
        sessions {
          id
        }
      }
    }
  }
`);

export const ApiKeyItem = graphql(`
  fragment ApiKeyItem on ApiKey {
    id
    name
    start
    scopes
    expiresAt
    lastUsedAt
  }
`);

export const ApiKeysOfViewer = graphql(`
  query ApiKeysOfViewer {
    me {
      id
      apiKeys {
        id
        ...ApiKeyItem
      }
      user {
        id
        role
      }
    }
  }
`);

export const CreateApiKey = graphql(`
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      secret
      me {
        id
        apiKeys {
          id
          ...ApiKeyItem
        }
      }
    }
  }
`);

export const RevokeApiKey = graphql(`
  mutation RevokeApiKey($apiKeyId: ID!) {
    revokeApiKey(input: { apiKeyId: $apiKeyId }) {
      me {
        id
        apiKeys {
          id
        }
      }
    }
  }
`);

export const ResendVerification = graphql(`
  mutation ResendVerification {
    resendVerification {
      ok
    }
  }
`);

export const ChangeEmail = graphql(`
  mutation ChangeEmail($input: ChangeEmailInput!) {
    changeEmail(input: $input) {
      me {
        id
        email
        emailVerified
        pendingEmail
      }
    }
  }
`);

export const ChangePassword = graphql(`
  mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) {
      credentials {
        accessToken
        accessTokenExpiresAt
        refreshToken
      }
      me {
        id
        hasPassword
      }
    }
  }
`);

export const SetLocale = graphql(`
  mutation SetLocale($input: UpdateProfileInput!) {
    updateProfile(input: $input) {
      user {
        id
        locale
        timeZone
      }
    }
  }
`);

export const ExportItem = graphql(`
  fragment ExportItem on Operation {
    id
    state
    done
    total
    endedAt
    version
    file {
      id
      size
      url
    }
  }
`);

export const DataOfViewer = graphql(`
  query DataOfViewer {
    me {
      id
      messagesFrom
      isListed
      presenceVisibleTo
      lastSeenVisibleTo
      appearsOffline
      dataExport {
        id
        ...ExportItem
      }
    }
  }
`);

export const ExportMyData = graphql(`
  mutation BeginExport {
    exportMyData(input: {}) {
      operation {
        id
        ...ExportItem
      }
    }
  }
`);

export const ExportChanged = graphql(`
  subscription ExportChanged($id: ID!) {
    operationChanged(id: $id) {
      id
      ...ExportItem
    }
  }
`);

export const DeleteMyAccount = graphql(`
  mutation DeleteAccount($input: DeleteMyAccountInput!) {
    deleteMyAccount(input: $input) {
      ok
    }
  }
`);

export const SetPrivacy = graphql(`
  mutation SetPrivacy($input: UpdatePrivacyInput!) {
    updatePrivacy(input: $input) {
      me {
        id
        messagesFrom
        isListed
        presenceVisibleTo
        lastSeenVisibleTo
        appearsOffline
      }
    }
  }
`);

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

export const operations = [
  SettingsOfViewer,
  SetNotificationPreference,
  SessionsOfViewer,
  EndSession,
  EndOtherSessions,
  ApiKeysOfViewer,
  CreateApiKey,
  RevokeApiKey,
  FactorsOfViewer,
  StartTotp,
  ConfirmTotp,
  DisableTotp,
  RenewRecoveryCodes,
  StartPasskey,
  AddPasskey,
  RenamePasskey,
  RemovePasskey,
  IdentitiesOfViewer,
  UnlinkIdentity,
  ResendVerification,
  ChangeEmail,
  ChangePassword,
  SetLocale,
  DataOfViewer,
  ExportMyData,
  ExportChanged,
  DeleteMyAccount,
  SetPrivacy,
] as const;
