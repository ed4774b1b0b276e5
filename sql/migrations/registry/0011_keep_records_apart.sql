-- The checks walk the columns of an authorisation, hardly anything its record: that lies apart.
alter table authorisation set (toast_tuple_target = 256);
