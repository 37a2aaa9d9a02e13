-- Is schema n the application's? One that people made, but for ours.
(/* include user_schemas */ AND n.nspname <> 'ops')
