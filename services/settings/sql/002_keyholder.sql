-- Why a setting was changed, and from where, are personal texts: the settings service seals them, and opens them for people.
grant holdfast_keyholder to holdfast_settings;
