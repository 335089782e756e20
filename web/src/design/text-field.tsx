import { useId, type ComponentProps, type ReactNode } from 'react';
import { classNames } from './class-names.js';
import styles from './text-field.module.css';

interface FieldProps {
  readonly label: string;
  /** What helps to fill it in. */
  readonly hint?: ReactNode;
  /** What is wrong with it, in words. */
  readonly error?: string | null | undefined;
}

interface Described {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
}

const Field = ({ label, hint, error, children }: FieldProps & { readonly children: (described: Described) => ReactNode }) => {
  const id = useId();
  const notes = [...(hint === undefined ? [] : [`${id}-hint`]), ...(error ? [`${id}-error`] : [])];
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      {children({
        id,
        'aria-describedby': notes.length === 0 ? undefined : notes.join(' '),
        'aria-invalid': error ? true : undefined,
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className={styles.error}>
          {error}
        </p>
      )}
    </div>
  );
};

export const TextField = ({ label, hint, error, className, ...rest }: FieldProps & ComponentProps<'input'>) => (
  <Field label={label} hint={hint} error={error}>
    {(described) => <input dir="auto" {...rest} {...described} className={classNames(styles.input, className)} />}
  </Field>
);

export const TextArea = ({ label, hint, error, className, ...rest }: FieldProps & ComponentProps<'textarea'>) => (
  <Field label={label} hint={hint} error={error}>
    {(described) => <textarea dir="auto" {...rest} {...described} className={classNames(styles.input, styles.area, className)} />}
  </Field>
);

export const SelectField = ({ label, hint, error, className, ...rest }: FieldProps & ComponentProps<'select'>) => (
  <Field label={label} hint={hint} error={error}>
    {(described) => <select {...rest} {...described} className={classNames(styles.input, className)} />}
  </Field>
);
