{{taking}}, alone = (SELECT count(*) FROM taken) = 1
WHERE r.id = ANY(ARRAY(SELECT id FROM taken)) AND r.state = 'queued'
