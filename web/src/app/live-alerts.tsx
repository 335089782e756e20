import { useQuery } from 'urql';
import { useLocation } from 'wouter';
import { useLive } from '../api/live.js';
import { useToast } from '../design/toast.js';
import { useTexts } from '../i18n/language.js';
import { alertTexts } from './alert-texts.js';
import { AlertsFrom, ShellAlerted } from './operations.js';
import { paths } from './paths.js';

/** Tells an administrator of each alert that comes, on whatever page they are. */
const LiveAlerts = () => {
  const t = useTexts(alertTexts);
  const show = useToast();
  const [, navigate] = useLocation();
  const [{ data }, readAgain] = useQuery({ query: AlertsFrom });
  const after = data?.securityAlertCursor ?? null;
  useLive({
    query: ShellAlerted,
    variables: after === null ? null : { after },
    about: 'alerts',
    onEvent: ({ securityAlertAdded: { kind } }) =>
      show(t('came', { what: t(kind) }), { label: t('see'), onAct: () => navigate(paths.alerts) }),
    onExpired: () => readAgain({ requestPolicy: 'network-only' }),
  });
  return null;
};

export default LiveAlerts;
