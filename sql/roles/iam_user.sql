-- An IAM user has the rights of one role of ours, by membership and by nothing else.
GRANT {{ group|ident }} TO {{ login|ident }};
