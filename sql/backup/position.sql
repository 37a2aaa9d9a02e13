-- Where is a sequence, and was that value handed out? Needs SELECT on the sequence.
SELECT last_value, is_called FROM {{ sequence|ident }}
