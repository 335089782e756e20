import { Code, LogOut, ScrollText, Search, Settings, ShieldAlert, UserRound, UserRoundPlus } from 'lucide-react';
import { useLocation } from 'wouter';
import { Avatar } from '../design/avatar.js';
import { Menu, MenuItem, MenuSeparator } from '../design/menu.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { paths } from './paths.js';
import { useSignOut } from './sign-out.js';
import { useViewer } from './viewer.js';

const AccountMenu = ({ onPalette }: { readonly onPalette: () => void }) => {
  const t = useTexts(appTexts);
  const viewer = useViewer();
  const [, navigate] = useLocation();
  const { signOut, question } = useSignOut();
  if (!viewer) return null;
  const { user, canInvite } = viewer;
  return (
    <>
      <Menu label={t('account')} icon={<Avatar name={user.displayName} of={user.username} size={32} />} placement="right-end">
        <MenuItem icon={<UserRound size={16} />} onSelect={() => navigate(paths.person(user.username))}>
          {t('profile')}
        </MenuItem>
        <MenuItem icon={<Search size={16} />} onSelect={onPalette}>
          {t('search')}
        </MenuItem>
        <MenuItem icon={<Settings size={16} />} onSelect={() => navigate(paths.settings)}>
          {t('settings')}
        </MenuItem>
        {canInvite && (
          <MenuItem icon={<UserRoundPlus size={16} />} onSelect={() => navigate(paths.invitations)}>
            {t('invitations')}
          </MenuItem>
        )}
        {user.role === 'ADMIN' && (
          <>
            <MenuItem icon={<ShieldAlert size={16} />} onSelect={() => navigate(paths.alerts)}>
              {t('alerts')}
            </MenuItem>
            <MenuItem icon={<ScrollText size={16} />} onSelect={() => navigate(paths.audit)}>
              {t('audit')}
            </MenuItem>
          </>
        )}
        <MenuItem icon={<Code size={16} />} onSelect={() => navigate(paths.developers)}>
          {t('developers')}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<LogOut size={16} />} onSelect={signOut}>
          {t('signOut')}
        </MenuItem>
      </Menu>
      {question}
    </>
  );
};

export default AccountMenu;
