-- Names under which functions are reached from outside: unique over all scopes.
CREATE TABLE function_address (
    address TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    function TEXT NOT NULL
);
CREATE INDEX function_address_scope ON function_address (scope, function);
