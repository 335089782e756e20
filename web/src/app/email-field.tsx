import type { ReactNode } from 'react';
import { fieldWords, type Failure } from '../api/failure.js';
import { TextField } from '../design/text-field.js';
import { fieldTexts } from '../i18n/field-texts.js';
import { useTexts } from '../i18n/language.js';

interface EmailFieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What went wrong with the form. */
  readonly failure: Failure | null;
}

/** The field `email` of a form. Its type is that of a text: the server says what is wrong with an address, in the words of the page. */
export const EmailField = ({ label, hint, failure }: EmailFieldProps) => {
  const words = useTexts(fieldTexts);
  return (
    <TextField
      name="email"
      inputMode="email"
      label={label}
      hint={hint}
      error={fieldWords(failure, 'email', words)}
      autoComplete="email"
      autoCapitalize="none"
      required
    />
  );
};
