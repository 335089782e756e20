import { graphql } from '../../gql/gql.js';
import { secondFactorOperations } from './second-factor/operations.js';

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

export const operations = [
  ...secondFactorOperations,
  SettingsOfViewer,
  SetNotificationPreference,
  SessionsOfViewer,
  EndSession,
  EndOtherSessions,
  ApiKeysOfViewer,
  CreateApiKey,
  RevokeApiKey,
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
