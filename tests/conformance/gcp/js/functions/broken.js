exports.broken = ;
