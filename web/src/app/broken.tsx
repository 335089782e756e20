import { Component, type ReactNode } from 'react';
import { Button } from '../design/button.js';
import { EmptyState } from '../design/empty-state.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';

const Broken = () => {
  const t = useTexts(appTexts);
  return (
    <EmptyState
      isPage
      title={t('brokenTitle')}
      action={
        <Button look="primary" onClick={() => location.reload()}>
          {t('reload')}
        </Button>
      }
    >
      {t('broken')}
    </EmptyState>
  );
};

interface BoundaryProps {
  /** What has failed is tried again when this changes: the address. */
  readonly at: string;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly failedAt: string | null;
}

/** Keeps the frame when a page throws. React has no such thing but as a class. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override readonly state: BoundaryState = { failedAt: null };

  static getDerivedStateFromProps({ at }: BoundaryProps, { failedAt }: BoundaryState): BoundaryState | null {
    return failedAt !== null && failedAt !== '' && failedAt !== at ? { failedAt: null } : null;
  }

  static getDerivedStateFromError(): BoundaryState {
    return { failedAt: '' };
  }

  override componentDidCatch(): void {
    this.setState({ failedAt: this.props.at });
  }

  override render(): ReactNode {
    return this.state.failedAt === null ? this.props.children : <Broken />;
  }
}
