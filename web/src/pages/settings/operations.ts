import { graphql } from '../../gql/gql.js';

export const SettingsOfViewer = graphql(`
  query SettingsOfViewer {
    me {
      id
      email
      notificationPreferences {
        kind
        enabled
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

export const operations = [SettingsOfViewer, SetNotificationPreference] as const;
