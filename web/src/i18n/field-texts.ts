import { catalogue } from './catalogue.js';

/** What is wrong with a field, by the codes of `extensions.fields`. */
export const fieldTexts = catalogue({
  en: {
    REQUIRED: 'This is needed.',
    INVALID_CHARACTERS: 'This has characters that cannot be used, or none that can be seen.',
    TOO_SHORT: '{min, plural, one {At least one character.} other {At least # characters.}}',
    TOO_LONG: '{max, plural, one {At most one character.} other {At most # characters.}}',
    TOO_SMALL: 'At least {min}.',
    TOO_LARGE: 'At most {max}.',
    TOO_FEW: '{min, plural, one {At least one.} other {At least #.}}',
    TOO_MANY: '{max, plural, one {At most one.} other {At most #.}}',
    DUPLICATE: 'This is there twice.',
    NOT_FOUND: 'There is no such thing.',
    TAKEN: 'Somebody has this already.',
    RESERVED: 'This is reserved.',
    other: 'This does not have the right form.',
  },
  de: {
    REQUIRED: 'Das wird gebraucht.',
    INVALID_CHARACTERS: 'Das enthält unzulässige Zeichen oder keine sichtbaren.',
    TOO_SHORT: '{min, plural, one {Mindestens ein Zeichen.} other {Mindestens # Zeichen.}}',
    TOO_LONG: '{max, plural, one {Höchstens ein Zeichen.} other {Höchstens # Zeichen.}}',
    TOO_SMALL: 'Mindestens {min}.',
    TOO_LARGE: 'Höchstens {max}.',
    TOO_FEW: '{min, plural, one {Mindestens eins.} other {Mindestens #.}}',
    TOO_MANY: '{max, plural, one {Höchstens eins.} other {Höchstens #.}}',
    DUPLICATE: 'Das kommt zweimal vor.',
    NOT_FOUND: 'Das gibt es nicht.',
    TAKEN: 'Das ist schon vergeben.',
    RESERVED: 'Das ist reserviert.',
    other: 'Das hat nicht die richtige Form.',
  },
});
