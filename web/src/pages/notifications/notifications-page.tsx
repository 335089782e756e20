import { Bell, CheckCheck } from 'lucide-react';
import { useMutation, useQuery } from 'urql';
import { useLocation, useSearch } from 'wouter';
import { failureOf } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { listMemory } from '../../app/list-memory.js';
import { Page } from '../../app/page.js';
import { usePages } from '../../app/pages-of-list.js';
import { paths } from '../../app/paths.js';
import { SignedIn } from '../../app/signed-in.js';
import { useIsViewerAnswered, useViewer } from '../../app/viewer.js';
import { Button } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { FlowList } from '../../design/flow-list.js';
import { Skeleton } from '../../design/skeleton.js';
import { Tabs } from '../../design/tabs.js';
import { useTexts } from '../../i18n/language.js';
import { NotificationRow } from './notification-row.js';
import { notificationsTexts } from './notifications-texts.js';
import { MarkNotificationsRead, Notifications } from './operations.js';

const List = ({ unreadOnly }: { readonly unreadOnly: boolean }) => {
  const t = useTexts(notificationsTexts);
  const { after, moreOf } = usePages();
  const answer = useQuery({ query: Notifications, variables: { unreadOnly, after }, pause: !useIsViewerAnswered() });
  const [, markRead] = useMutation(MarkNotificationsRead);
  const onOpen = (id: string): void => void markRead({ input: { which: { ids: [id] } } });
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={8} />}>
      {({ me }, isFetching) =>
        !me || me.notifications.nodes.length === 0 ? (
          <EmptyState icon={<Bell size={20} />} title={t(unreadOnly ? 'emptyUnreadTitle' : 'emptyTitle')}>
            {t(unreadOnly ? 'emptyUnreadText' : 'emptyText')}
          </EmptyState>
        ) : (
          <>
            <FlowList
              items={me.notifications.nodes}
              keyOf={({ id }) => id}
              label={t('title')}
              memory={listMemory(`notifications ${unreadOnly ? 'unread' : 'all'}`)}
              onEnd={moreOf(me.notifications.pageInfo, isFetching).onMore}
            >
              {(notification) => <NotificationRow notification={notification} onOpen={onOpen} />}
            </FlowList>
            {isFetching && after !== null && <Skeleton kind="rows" lines={3} />}
          </>
        )
      }
    </Answer>
  );
};

const SHOWN = ['all', 'unread'] as const;

const NotificationsOfViewer = () => {
  const t = useTexts(notificationsTexts);
  const [, navigate] = useLocation();
  const shown = new URLSearchParams(useSearch()).get('show') === 'unread' ? 'unread' : 'all';
  const unread = useViewer()?.unread.notifications ?? 0;
  const [{ fetching, error }, markRead] = useMutation(MarkNotificationsRead);
  const failure = failureOf(error);
  const markAll = (): void => void markRead({ input: { which: { all: true } } });
  return (
    <Page
      title={t('title')}
      actions={
        unread > 0 && (
          <Button busy={fetching} onClick={markAll}>
            <CheckCheck size={16} aria-hidden="true" />
            {t('markAll')}
          </Button>
        )
      }
    >
      {failure && <ErrorNotice failure={failure} onRetry={markAll} />}
      <Tabs
        label={t('show')}
        selected={shown}
        onSelect={(id) => navigate(id === 'all' ? paths.notifications : `${paths.notifications}?show=${id}`, { replace: true })}
        tabs={SHOWN.map((id) => ({ id, title: t(id), content: <List unreadOnly={id === 'unread'} /> }))}
      />
    </Page>
  );
};

const NotificationsPage = () => {
  const t = useTexts(notificationsTexts);
  return (
    <SignedIn title={t('title')} about={t('about')}>
      <NotificationsOfViewer />
    </SignedIn>
  );
};

export default NotificationsPage;
